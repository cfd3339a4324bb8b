"""Configs and secrets that are made from files change with their files, and only then."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.deploys.file_contents import LABEL, entries_in
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import ContentChange, Kind, Plan
from bot.swarm.stacks.fields import NAMESPACE
from bot.swarm.stacks.record import DockerStacks
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, OURS, Workbench, text_of

WEB = "ours_web"
TEXT = "one\ntwo\nthree\n"
OTHER = "one\n2\nthree\nfour\n"


@pytest.fixture
async def bench(lab: Lab, tmp_path: Path) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, CLIENTS[-1])
    bench.write(text_of("contents"))
    settle(bench, TEXT)
    yield bench
    await bench.aclose()


def settle(bench: Workbench, text: str, file: str = "settings") -> None:
    (bench.folder / f"{file}.txt").write_text(text)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def used(bench: Workbench, part: str = "Config") -> list[str]:
    """The names of the configs or secrets that the service uses."""
    container = bench.lab.client().inspect_service(WEB)["Spec"]["TaskTemplate"]["ContainerSpec"]
    return sorted(each[f"{part}Name"] for each in container[f"{part}s"])


def steps(plan: Plan) -> list[str]:
    return [f"{step.action.value} {step.name}" for step in plan.steps]


def named(found: list[dict[str, Any]]) -> set[str]:
    return {raw["Spec"]["Name"] for raw in found}


async def cleared(bench: Workbench, plan: Plan, kept: tuple[str, ...] = ()) -> tuple[str, ...]:
    return await bench.stacks.clear(OURS, frozenset(entries_in(plan.files)), kept)


async def test_a_new_one_is_named_by_its_content(bench: Workbench) -> None:
    """A config as ``sha256sum`` prints it; the digest of a secret tells nothing about it."""
    await bench.deploy()

    assert used(bench) == [f"ours_second-{sha(TEXT)}", f"ours_settings-{sha(TEXT)}"]
    (secret,) = bench.lab.client().secrets()
    assert secret["Spec"]["Name"].startswith("ours_password-")
    assert not secret["Spec"]["Name"].endswith(sha((bench.folder / "password.txt").read_text()))
    assert secret["Spec"]["Labels"][LABEL] == "password"
    assert (await bench.stacks.record(OURS)).plan.empty


async def test_a_changed_file_updates_the_services_that_use_it(bench: Workbench) -> None:
    await bench.deploy()
    settle(bench, OTHER)

    plan = await bench.deploy()

    new = f"ours_settings-{sha(OTHER)}"
    assert steps(plan) == [
        f"create ours_second-{sha(OTHER)}", f"create {new}", f"update {WEB}"
    ]  # fmt: skip
    assert plan.contents[1] == ContentChange(Kind.CONFIG, "ours_settings", new, (WEB,), (2, 1))
    changes = {each.field: (each.old, each.new) for each in plan.services[0].changes}
    assert sorted(changes) == ["config ours_second", "config ours_settings"]
    old, now = changes["config ours_settings"]
    assert (old.partition(",")[0], now.partition(",")[0]) == (
        f"content {sha(TEXT)}", f"content {sha(OTHER)}"
    )  # fmt: skip
    assert used(bench) == [f"ours_second-{sha(OTHER)}", new]
    assert (await bench.stacks.record(OURS)).plan.empty


async def test_a_changed_secret_tells_nothing_but_that(bench: Workbench) -> None:
    await bench.deploy()
    settle(bench, "sesame-2", "password")

    recording = await bench.stacks.record(OURS)
    await bench.make(recording)

    (change,) = recording.plan.contents
    assert (change.kind, change.entry, change.lines) == (Kind.SECRET, "ours_password", None)
    assert "sesame-2" not in repr(recording)
    assert used(bench, "Secret") == [change.name]
    assert (await bench.stacks.record(OURS)).plan.empty


async def test_earlier_content_finds_its_earlier_object(bench: Workbench) -> None:
    """Also when other digests would be made: the content decides, not the name."""
    await bench.deploy()
    first = used(bench, "Secret"), used(bench)
    password = (bench.folder / "password.txt").read_text()
    settle(bench, "sesame-2", "password")
    settle(bench, OTHER)
    await bench.deploy()
    settle(bench, password, "password")
    settle(bench, TEXT)
    stacks = DockerStacks(
        str(bench.folder), b"another key", bench.lab.manager.socket,
        program=bench.program, resolve="never",
    )  # fmt: skip

    recording = await stacks.record(OURS)
    for step in recording.plan.steps:
        await stacks.apply(recording, step)

    assert steps(recording.plan) == [f"update {WEB}"]
    assert (used(bench, "Secret"), used(bench)) == first
    assert (await stacks.record(OURS)).plan.empty
    await stacks.aclose()


async def test_what_the_cli_made_is_used_as_it_is(bench: Workbench) -> None:
    """So the first deploy by the bot restarts nothing; another content gets its own name."""
    file = str(bench.folder / f"{OURS}.yml")
    bench.lab.docker("stack", "deploy", "--resolve-image=never", "-c", file, OURS)
    plan = (await bench.stacks.record(OURS)).plan
    assert not [step for step in steps(plan) if "_settings" in step or "_password" in step]
    settle(bench, OTHER)

    changed = await bench.deploy()

    assert changed.contents[1].lines == (2, 1)
    assert used(bench, "Secret") == ["ours_password"]
    assert await cleared(bench, changed) == ()
    settle(bench, "two")
    await bench.deploy()
    assert await cleared(bench, changed, ("config/ours_second",)) == ("config/ours_settings",)


async def test_labels_change_without_another_name(bench: Workbench) -> None:
    await bench.deploy()
    bench.write(text_of("contents").replace('a: "1"', 'a: "2"'))

    plan = await bench.deploy()

    assert steps(plan) == [f"update ours_second-{sha(TEXT)}"]
    assert plan.contents == ()
    labels = {raw["Spec"]["Name"]: raw["Spec"]["Labels"] for raw in bench.lab.client().configs()}
    assert labels[f"ours_second-{sha(TEXT)}"]["a"] == "2"
    assert (await bench.stacks.record(OURS)).plan.empty


async def test_what_nobody_needs_is_removed(bench: Workbench) -> None:
    """What a service would use after a rollback stays, and so do others' objects."""
    client = bench.lab.client()
    client.create_config("ours_settings-20261129", b"theirs", {NAMESPACE: OURS})
    plan = await bench.deploy()
    for text in ("two", "three", "four"):
        settle(bench, text)
        await bench.deploy()
    before = named(client.configs())

    kept = (f"config/ours_second-{sha('two')}",)
    gone = await cleared(bench, plan, kept)

    wanted = {f"ours_{name}-{sha(TEXT)}" for name in ("second", "settings")}
    wanted.add(f"ours_settings-{sha('two')}")
    assert set(gone) == {f"config/{name}" for name in wanted}
    assert named(client.configs()) == before - wanted
    assert await cleared(bench, plan, kept) == ()


async def test_a_name_that_somebody_else_took_is_refused(bench: Workbench) -> None:
    bench.lab.client().create_config(f"ours_settings-{sha(TEXT)}", b"theirs")

    with pytest.raises(RefusedError, match=f"would be named `ours_settings-{sha(TEXT)}`") as found:
        await bench.stacks.record(OURS)

    assert found.value.hint == "Give `settings` a `name:` of its own."


@pytest.mark.parametrize(
    ("file", "size", "most"), [("settings", 1024000, 1023999), ("password", 600_000, 511999)]
)
async def test_too_much_content_is_refused(
    bench: Workbench, file: str, size: int, most: int
) -> None:
    settle(bench, "x" * size, file)

    with pytest.raises(RefusedError, match=f"has {size} bytes") as found:
        await bench.stacks.record(OURS)

    assert str(most) in found.value.hint
    name = "password" if file == "password" else "(settings|second)"
    assert re.search(f"`{name}`", found.value.sentence)


async def test_as_much_content_as_the_swarm_takes(bench: Workbench) -> None:
    settle(bench, "x" * 1023999)
    settle(bench, "x" * 511999, "password")

    await bench.deploy()

    assert (await bench.stacks.record(OURS)).plan.empty


async def test_a_long_name_is_shortened(bench: Workbench) -> None:
    """Two long names that begin alike, with the same content, are two objects."""
    one, other = ("x" * 58 + end for end in "ab")
    text = text_of("contents").replace("second", other)
    bench.write(text.replace("settings,", f"{one},").replace("settings:", f"{one}:"))

    plan = await bench.deploy()

    names = [step.name for step in plan.steps if step.kind is Kind.CONFIG]
    assert [len(name) for name in names] == [64, 64]
    assert len({name[:55] for name in names}) == 1
    assert (await bench.stacks.record(OURS)).plan.empty


@pytest.mark.parametrize("file", ["settings", "password"])
@pytest.mark.parametrize("before", [False, True])
async def test_an_empty_file_is_refused(bench: Workbench, file: str, *, before: bool) -> None:
    """Also where there was content before: of a secret the engine would not say so."""
    if before:
        await bench.deploy()
    settle(bench, "", file)

    with pytest.raises(RefusedError, match="is empty, which the swarm does not accept"):
        await bench.stacks.record(OURS)


async def test_a_name_that_means_another_entry_is_refused(bench: Workbench) -> None:
    """The docker CLI would give the one's content for the other."""
    bench.lab.client().create_config("ours_settings", b"theirs")
    legacy = "  legacy: {external: true, name: ours_settings}\nsecrets:"
    bench.write(text_of("contents").replace("secrets:\n  pass", f"{legacy}\n  pass"))

    with pytest.raises(RefusedError, match="`legacy` has the name `ours_settings`") as found:
        await bench.stacks.record(OURS)

    assert found.value.hint == "Give `settings` another name, or a `name:` of its own."


async def test_a_name_of_the_bot_that_an_author_gives_is_no_trap(bench: Workbench) -> None:
    """Given, and not given again: the same object is used."""
    await bench.deploy()
    entry, given = "settings: {file: settings.txt", f", name: ours_settings-{sha(TEXT)}"
    bench.write(text_of("contents").replace(entry, f"{entry}{given}"))
    await bench.deploy()
    before = used(bench)
    bench.write(text_of("contents"))

    plan = await bench.deploy()

    assert steps(plan) == []
    assert used(bench) == before


async def test_two_entries_with_one_name_are_refused(bench: Workbench) -> None:
    name = f"ours_settings-{sha(TEXT)}"
    entry = "second: {file: settings.txt"
    bench.write(text_of("contents").replace(entry, f"{entry}, name: {name}"))

    with pytest.raises(RefusedError, match=f"two configs that are `{name}` in the swarm"):
        await bench.stacks.record(OURS)


async def test_what_a_kept_version_uses_is_in_its_files(bench: Workbench) -> None:
    """Also what it does not make from a file: nobody could make it again."""
    bench.lab.client().create_config("ours_settings", b"good", {NAMESPACE: OURS})
    external = text_of("contents").replace(
        "settings: {file: settings.txt}", "settings: {external: true, name: ours_settings}"
    )
    bench.write(external)
    first = await bench.deploy()
    bench.write(text_of("contents"))
    settle(bench, "one")
    await bench.deploy()
    settle(bench, "two")
    last = await bench.deploy()

    assert first.files["config/ours_settings"] == ""
    assert "config/ours_settings" not in await cleared(bench, last, tuple(first.files))
    assert "config/ours_settings" in await cleared(bench, last)


async def test_a_credential_spec_from_a_file(bench: Workbench) -> None:
    """A config that is no file in the container, but a setting of it."""
    bench.write("""version: "3.8"
services:
  web:
    image: lab/busy:1
    credential_spec: {config: settings}
    deploy: {replicas: 0}
configs: {settings: {file: settings.txt}}
""")

    await bench.deploy()

    assert (await bench.stacks.record(OURS)).plan.empty
    settle(bench, OTHER)
    await bench.deploy()
    assert used(bench) == [f"ours_settings-{sha(OTHER)}"]
    assert (await bench.stacks.record(OURS)).plan.empty


async def test_keys_that_look_like_flags_are_named_by_content(bench: Workbench) -> None:
    text = text_of("contents").replace("settings,", '"on",').replace("  settings:", "  on:")
    bench.write(text)

    plan = await bench.deploy()

    assert f"create ours_on-{sha(TEXT)}" in steps(plan)
