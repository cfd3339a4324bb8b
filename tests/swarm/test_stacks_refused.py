"""Files that cannot be deployed: the refusal says why, and nothing is changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.domain.errors import NotAManagerError, RefusedError, SwarmUnavailableError
from bot.swarm.stacks.record import DockerStacks
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, KEY, OURS, Workbench, text_of
from tests.unit.swarm.stacks.test_complaints import BOMB

HEAD = 'version: "3.8"\nservices:\n  web:\n    image: lab/busy:1\n'

BROKEN = {
    "an unknown key": (
        f"{HEAD}    foo_bar: 1\n",
        "`ours.yml` has an unknown key in `services.web`: `foo_bar`.",
    ),
    "an unknown key at the top": (
        f"{HEAD}volumen: {{}}\n",
        "`ours.yml` has an unknown key at the top level: `volumen`.",
    ),
    "no YAML": (f"{HEAD}   - [\n", "`ours.yml` is not valid YAML:"),
    "an unset variable": (
        f"{HEAD}    environment: {{A: '$ONE', B: '${{TWO}}', C: '${{THREE:-}}'}}\n",
        "`ONE` and `TWO` are not set, but `ours.yml` uses them.",
    ),
    "a variable that is required": (
        f"{HEAD}    environment: {{A: '${{ONE:?the first one}}'}}\n",
        "The variable `ONE` is not set: the first one.",
    ),
    "an external network that is missing": (
        f"{HEAD}    networks: [nonet]\nnetworks: {{nonet: {{external: true}}}}\n",
        "`ours.yml` needs the network `nonet`, which is not in the swarm.",
    ),
    "an external secret that is missing": (
        f"{HEAD}    secrets: [nosec]\nsecrets: {{nosec: {{external: true}}}}\n",
        "`ours.yml` needs the secret `nosec` (service `web`), which is not in the swarm",
    ),
    "an external config that is missing": (
        f"{HEAD}    configs: [nocfg]\nconfigs: {{nocfg: {{external: true}}}}\n",
        "`ours.yml` needs the config `nocfg` (service `web`), which is not in the swarm",
    ),
    "a config's file that is missing": (
        f"{HEAD}    configs: [a]\nconfigs: {{a: {{file: ./nofile.txt}}}}\n",
        "The file `nofile.txt` in `ours.yml` does not exist.",
    ),
    "a file of variables that is missing": (
        f"{HEAD}    env_file: nofile.env\n",
        "The file `nofile.env` in `ours.yml` does not exist.",
    ),
    "a config's file outside of the folder": (
        f"{HEAD}    configs: [a]\nconfigs: {{a: {{file: ../../../etc/hostname}}}}\n",
        "`ours.yml` names the file `../../../etc/hostname`, which is not in the stacks' folder.",
    ),
    "a file of variables by an absolute path": (
        f"{HEAD}    env_file: [/etc/hostname]\n",
        "`ours.yml` names the file `/etc/hostname`, which is not in the stacks' folder.",
    ),
    "a file of variables outside, by a variable's default": (
        f"{HEAD}    env_file: '${{FILE:-../../../etc/hostname}}'\n",
        "`ours.yml` names the file `../../../etc/hostname`, which is not in the stacks' folder.",
    ),
    "a tag that hides where files are": (
        f"{HEAD}    env_file: /etc/hostname\nx-more: !tag 1\n",
        "The YAML of `ours.yml` uses tags or duplicate keys.",
    ),
    "a secret that is not defined": (
        f"{HEAD}    secrets: [sesame]\n",
        "`ours.yml` uses the secret `sesame` without defining it.",
    ),
    "a network that is not defined": (
        f"{HEAD}    networks: [inner]\n",
        "`ours.yml` uses the network `inner` without defining it.",
    ),
    "nothing": ("", "The docker CLI refuses `ours.yml`: "),
}


@pytest.fixture
async def bench(
    lab: Lab, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, getattr(request, "param", CLIENTS[-1]))
    yield bench
    await bench.aclose()


async def refusal(bench: Workbench) -> RefusedError:
    """The reason why our stack is refused; checks that nothing was changed."""
    before = bench.everything()
    with pytest.raises(RefusedError) as caught:
        await bench.stacks.record(OURS)
    assert bench.everything() == before
    return caught.value


every_client = pytest.mark.parametrize("bench", CLIENTS, indirect=True)


@every_client
@pytest.mark.parametrize("what", BROKEN)
async def test_each_broken_file_has_its_own_message(bench: Workbench, what: str) -> None:
    text, sentence = BROKEN[what]
    bench.write(text)

    assert (await refusal(bench)).sentence.startswith(sentence)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}    configs: [a]\nconfigs: {{a: {{file: ./pipe}}}}\n",
        f"{HEAD}    env_file: ./pipe\n",
        f"{HEAD}    secrets: [a]\nsecrets: {{a: {{file: .}}}}\n",
    ],
)
async def test_a_pipe_or_a_folder_instead_of_a_file_does_not_block(
    bench: Workbench, text: str
) -> None:
    os.mkfifo(bench.folder / "pipe")
    bench.write(text)

    async with asyncio.timeout(20):
        assert "which is not a regular file" in (await refusal(bench)).sentence


async def test_a_file_that_expands_without_limit_is_refused_at_once(bench: Workbench) -> None:
    bench.write(BOMB)

    async with asyncio.timeout(20):
        assert "expands to too much data" in (await refusal(bench)).sentence


@every_client
async def test_a_name_at_the_top_level_of_the_file(bench: Workbench) -> None:
    bench.write(f"name: other\n{HEAD}")

    error = await refusal(bench)

    assert (
        error.sentence == "`ours.yml` has a key that stacks do not have at the top level: `name`."
    )
    assert "the stack is named after its file, ours" in error.hint


@every_client
@pytest.mark.parametrize(("kind", "file"), [("config", "settings"), ("secret", "password")])
async def test_contents_that_changed_under_the_same_name(
    bench: Workbench, kind: str, file: str
) -> None:
    """A name that the author gave is kept, and the engine itself reports the other content."""
    entry, given = f"{file}: {{file: {file}.txt", f", name: ours_{file}"
    bench.write(text_of("contents").replace(entry, f"{entry}{given}"))
    await bench.deploy()
    (bench.folder / f"{file}.txt").write_text("another content")

    error = await refusal(bench)

    assert error.sentence.startswith(f"The {kind} `ours_")
    assert "is in the swarm with different content, which cannot be changed." in error.sentence
    assert error.hint == (
        "Change its `name:` in `ours.yml`, or remove that: then its name has its content."
    )


async def test_a_port_that_another_service_publishes(bench: Workbench) -> None:
    bench.lab.create_service("taken", "/bin/serve", options=["--publish", "18300:80/udp"])
    bench.write(text_of("ports"))

    error = await refusal(bench)

    assert error.sentence == ("ours_web cannot publish port 18300/udp: taken uses it.")


async def test_a_change_of_mode_is_refused(bench: Workbench) -> None:
    bench.write(HEAD)
    await bench.deploy()
    bench.write(f"{HEAD}    deploy: {{mode: global}}\n")

    error = await refusal(bench)

    assert error.sentence == (
        "ours_web is replicated in the swarm and global in `ours.yml`: the mode of a service "
        "cannot change."
    )


async def test_a_refusal_does_not_contain_secret_values(bench: Workbench) -> None:
    (bench.folder / f"{OURS}.env").write_text("DB_PASSWORD=correct horse\n")
    bench.write(f"{HEAD}    ports: ['$DB_PASSWORD:80']\n")

    assert "horse" not in (await refusal(bench)).sentence


async def test_an_engine_that_is_a_worker_is_not_blamed_on_the_file(
    lab_factory: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = lab_factory(nodes=2, managers=1)
    (tmp_path / "ours.yml").write_text(HEAD)
    stacks = DockerStacks(str(tmp_path), KEY, lab.nodes[1].socket)

    with pytest.raises(NotAManagerError):
        await stacks.record(OURS)
    await stacks.aclose()


async def test_an_unreachable_engine_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    (tmp_path / "ours.yml").write_text(HEAD)
    stacks = DockerStacks(str(tmp_path), KEY, f"unix://{tmp_path}/nothing.sock")

    with pytest.raises(SwarmUnavailableError):
        await stacks.record(OURS)


async def test_a_client_that_hangs_is_killed(bench: Workbench) -> None:
    """All processes that it started are ended too, and its remaining output is not awaited."""
    slow = bench.folder / "docker"
    slow.write_text('#!/bin/sh\ncase "$*" in *--help) ;; *) sleep 600 ;; esac\n')
    slow.chmod(0o700)
    bench.write(HEAD)
    stacks = DockerStacks(
        str(bench.folder), KEY, bench.lab.manager.socket, program=str(slow), seconds=0.5
    )

    with pytest.raises(RefusedError, match="made no plan within"):
        await stacks.record(OURS)
    await stacks.aclose()


async def test_a_plan_needs_the_docker_client(bench: Workbench) -> None:
    bench.write(HEAD)
    stacks = DockerStacks(str(bench.folder), KEY, bench.lab.manager.socket, program="no-docker")

    with pytest.raises(RefusedError, match="is not installed where the bot runs"):
        await stacks.record(OURS)
    await stacks.aclose()
