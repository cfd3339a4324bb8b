"""A stack is deployed again from its stored bundle, and its plan warns about traps in the file."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.deploys.version import Bundle
from bot.domain.errors import RefusedError
from bot.network.tcp import TcpReachability
from bot.swarm.stacks.record import DockerStacks
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, KEY, OURS, Workbench, text_of

HEAD = 'version: "3.8"\nservices:\n  web:\n    image: lab/busy:1\n    command: ["/bin/serve"]\n'


@pytest.fixture
async def bench(
    lab: Lab, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, getattr(request, "param", CLIENTS[-1]))
    yield bench
    await bench.aclose()


@pytest.mark.parametrize("name", ["contents", "environment", "volumes"])
async def test_a_deployed_stack_is_restored_without_its_files(bench: Workbench, name: str) -> None:
    """Configs, secrets, files of variables and NAME.env are restored to exactly the same specs.

    A deploy removes no config or secret, so those of the version between still exist.
    """
    bench.write(text_of(name))
    first = await bench.stacks.record(OURS)
    await bench.make(first)
    before = bench.specs(OURS)
    bench.write(text_of(f"{name}.next"))
    await bench.deploy({})
    for file in bench.folder.iterdir():
        file.unlink()

    back = await bench.stacks.record(OURS, {}, first.bundle)
    await bench.make(back)

    assert back.bundle == first.bundle
    now = bench.specs(OURS)
    assert {name: now[name] for name in before} == before
    assert (await bench.stacks.record(OURS, {}, first.bundle)).plan.empty


async def test_relative_paths_and_images_are_those_of_the_first_deploy(bench: Workbench) -> None:
    """Meanwhile the folder has other files, and a tag may mean another image."""
    bench.write(f'{HEAD}    volumes: ["./media:/media"]\n    deploy: {{replicas: 0}}\n')
    first = await bench.stacks.record(OURS)
    await bench.make(first)

    again = await bench.stacks.record(OURS, {}, first.bundle)

    assert again.plan.empty
    (change,) = again.plan.services
    told = {each.field: each.new for each in change.fields}
    assert told["mount /media"] == f"bind {bench.folder}/media"


async def test_equal_files_have_equal_digests_that_reveal_nothing(
    bench: Workbench,
) -> None:
    bench.write(text_of("contents"))
    one, other = await bench.stacks.record(OURS), await bench.stacks.record(OURS)
    bench.write(f"{text_of('contents')}\n# changed\n")
    changed = await bench.stacks.record(OURS)

    assert one.bundle.digest == other.bundle.digest != changed.bundle.digest
    assert "sesame" not in one.bundle.sealed
    assert one.bundle.sealed not in repr(one)


async def test_a_bundle_of_another_token_is_refused(bench: Workbench) -> None:
    bench.write(text_of("plain"))
    bundle = (await bench.stacks.record(OURS)).bundle
    later = DockerStacks(str(bench.folder), b"another key", bench.lab.manager.socket)
    try:
        with pytest.raises(RefusedError, match="can no longer be read"):
            await later.record(OURS, {}, bundle)
        with pytest.raises(RefusedError, match="can no longer be read"):
            await bench.stacks.record(OURS, {}, Bundle("x", "damaged"))
    finally:
        await later.aclose()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port without a listener, for the duration of the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


TRAPS = """
version: "3.8"
services:
  web:
    image: lab/busy
    build: .
    container_name: web
    restart: always
    expose: ["80"]
    volumes: ["./media:/media", "symbols:/symbols", "files:/files", "data:/data"]
  db:
    image: lab/busy:1
    volumes: ["data:/data"]
volumes:
  data: {}
  symbols: {driver_opts: {type: nfs, o: "addr=${SERVER},nolock,soft,rw,nfsvers=4", device: ":/x"}}
  files: {driver_opts: {type: nfs, o: "addr=127.0.0.1,port=PORT", device: ":/x"}}
"""


@pytest.mark.parametrize("bench", CLIENTS, indirect=True)
async def test_each_trap_in_a_file_is_warned_about_once(bench: Workbench, closed_port: int) -> None:
    bench.write(TRAPS.replace("PORT", str(closed_port)))
    with (bench.folder / f"{OURS}.env").open("a") as variables:
        variables.write("SERVER=nfs_server_ip\n")
    bench.lab.client().create_volume("ours_data", "local", {"type": "tmpfs", "device": "tmpfs"})
    before = bench.everything()
    stacks = DockerStacks(
        str(bench.folder),
        KEY,
        bench.lab.manager.socket,
        program=bench.program,
        resolve="never",
        reachability=TcpReachability(),
    )
    try:
        told = (await stacks.record(OURS)).plan.warnings
    finally:
        await stacks.aclose()
        bench.lab.client().remove_volume("ours_data")

    assert bench.everything() == before
    begins = (
        "A swarm ignores `build`, `container_name`, `expose` and `restart` in `ours.yml`.",
        "`web` mounts `./media`:",
        f"NFS volume `files`: the server `127.0.0.1` refuses connections on TCP {closed_port}.",
        "NFS volume `symbols`: the options have `nfs_server_ip`, a placeholder.",
        "The volume `ours_data` is local, and `db` and `web` may run on",
        "Images without a fixed version: `lab/busy` (web).",
    )
    assert len(told) == len(begins), told
    assert all(a.startswith(b) for a, b in zip(told, begins, strict=True)), told


async def test_a_volume_that_exists_with_other_options_is_reported(bench: Workbench) -> None:
    bench.write(text_of("volumes"))
    bench.lab.client().create_volume("ours_shared", "local", {"type": "tmpfs", "device": "tmpfs"})
    try:
        told = (await bench.stacks.record(OURS)).plan.warnings
    finally:
        bench.lab.client().remove_volume("ours_shared")

    (only,) = told
    assert only.startswith(
        "The volume `ours_shared` exists with other options (type `tmpfs` instead of `nfs`, "
    )


def test_the_repr_of_a_bundle_shows_no_content() -> None:
    assert "sealed" not in repr(replace(Bundle("d", "sealed text"), digest="e"))
