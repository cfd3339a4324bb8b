"""The values of a stack's files in plans and refusals, with the real docker CLI."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Plan
from bot.swarm.stacks.record import DockerStacks
from tests.contract.simulated_lab import SimulatedLab

HEAD = 'version: "3.8"\nservices:\n  a:\n    image: lab/any:1\n'
LEAKS = """
    environment: {REGISTRY_PW: "$REGISTRY_PW", URL: "amqp://u:${RABBIT_PASSWORD}@h/", RCON: "$RCON",
      DSN: "host=h user=u password=${RABBIT_PASSWORD}", LEVEL: "$LEVEL"}
    env_file: [a.env]
    command: ["serve", "-p${RCON}", "-a", "$RCON", "--requirepass", "$RCON"]
    entrypoint: "run -x $SHORT_TOKEN --verbose"
    healthcheck: {test: ["CMD", "redis-cli", "-a", "$RCON", "ping"], interval: 1m}
    labels: {note: "pw is $RCON"}
    deploy: {labels: {other: "x$RCON"}}
"""
WORDS = ("delta44", "echo55", "foxtrot66", "golf77", "india99", "juliet00")


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatedLab]:
    with SimulatedLab(nodes=1) as lab:
        yield lab


@pytest.fixture
async def stacks(lab: SimulatedLab, tmp_path: Path) -> AsyncIterator[DockerStacks]:
    (tmp_path / "a.env").write_text("LICENCE=golf77\n")
    stacks = DockerStacks(str(tmp_path), b"a key", lab.manager.socket, resolve="never")
    yield stacks
    await stacks.aclose()


def write(folder: Path, text: str, variables: str = "") -> None:
    (folder / "s.yml").write_text(text)
    (folder / "s.env").write_text(variables)


def shown(plan: Plan) -> str:
    return json.dumps(dataclasses.asdict(plan), default=str)


def env(rcon: str) -> str:
    values = f"REGISTRY_PW=delta44\nRABBIT_PASSWORD=echo55\nRCON={rcon}\nLEVEL=info\n"
    return f"{values}SHORT_TOKEN=e\n"


async def refusal(stacks: DockerStacks) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        await stacks.record("s")
    return caught.value


async def test_no_plan_shows_a_value_of_the_variables(stacks: DockerStacks, tmp_path: Path) -> None:
    """Neither the first plan nor one with other values, before and after."""
    write(tmp_path, HEAD + LEAKS, env("foxtrot66"))
    first = await stacks.record("s")
    for step in first.plan.steps:
        await stacks.apply(first, step)
    write(tmp_path, HEAD + LEAKS, env("india99"))
    second = await stacks.record("s")
    write(tmp_path, HEAD + LEAKS.replace("RCON", "OTHER"), "OTHER=juliet00\n" + env("x"))
    third = await stacks.record("s", former=first.bundle)

    told = [shown(each.plan) for each in (first, second, third)]
    assert [[word for word in WORDS if word in text] for text in told] == [[], [], []]
    assert all('"info"' in text for text in told)
    changed = {each.field for each in second.plan.services[0].changes}
    assert changed == {
        "command", "container label note", "environment RCON", "health check", "label other",
    }  # fmt: skip


async def test_a_refusal_is_not_garbled_by_values(stacks: DockerStacks, tmp_path: Path) -> None:
    text = f"{HEAD}    networks: [n]\nnetworks: {{n: {{external: true, name: missing}}}}\n"
    write(tmp_path, text, "ADMIN_PASSWORD=external\nTOKEN=e\n")

    assert (await refusal(stacks)).sentence == (
        "`s.yml` needs the network `missing`, which is not in the swarm."
    )


@pytest.mark.parametrize("value", ["e", "external", "1", "correct horse"])
async def test_a_refusal_shows_no_value_however_short(
    stacks: DockerStacks, tmp_path: Path, value: str
) -> None:
    text = f"{HEAD}    networks: [n]\nnetworks: {{n: {{external: true, name: '$A_TOKEN'}}}}\n"
    write(tmp_path, text, f"A_TOKEN={value}\n")

    sentence = (await refusal(stacks)).sentence

    assert sentence.startswith("`s.yml` needs the network `hidden (")
    assert sentence.endswith(")`, which is not in the swarm.")


OWN_WORDS = {
    "deploy: {placement: {constraints: ['$A_PASSWORD']}}": "is not valid: `hidden (",
    "env_file: ['../$A_PASSWORD']": "names the file `../hidden (",
    "volumes: ['~/$A_PASSWORD:/x']": "mounts `~/hidden (",
    "deploy: {resources: {limits: {memory: '$A_PASSWORD'}}}": '"hidden (',
}


@pytest.mark.parametrize("field", OWN_WORDS)
async def test_a_refusal_in_the_bots_own_words_shows_no_value(
    stacks: DockerStacks, tmp_path: Path, field: str
) -> None:
    write(tmp_path, f"{HEAD}    {field}\n", "A_PASSWORD=Zq1pass9Xr\n")

    error = await refusal(stacks)

    assert OWN_WORDS[field] in error.sentence
    assert "Zq1pass9" not in f"{error.sentence} {error.hint}"


async def test_a_warning_shows_no_value(stacks: DockerStacks, tmp_path: Path) -> None:
    kind = "{generic_resources: [{discrete_resource_spec: {kind: $A_PASSWORD, value: 1}}]}"
    field = f"deploy: {{resources: {{reservations: {kind}}}}}\n    volumes: ['v:/n/$LICENSE']"
    variables = "A_PASSWORD=Zq1kite9Xr\nLICENSE=Zq7-4411\n"
    write(tmp_path, f"{HEAD}    {field}\nvolumes: {{v: {{}}}}\n", variables)

    told = shown((await stacks.record("s")).plan)

    assert "needs 1 hidden (" in told
    assert [word for word in ("Zq1kite9Xr", "Zq7-4411") if word in told] == []


async def test_the_values_of_all_stacks_are_known_from_the_start(
    stacks: DockerStacks, tmp_path: Path
) -> None:
    """Nothing has to be deployed for them to be hidden; a broken file hides no other stack's."""
    write(tmp_path, HEAD, "A_PASSWORD=Zq1kite9Xr\nREALM=photon\nDB_TOKEN=<a&b>77\n")
    (tmp_path / "t.yml").write_text("services: {a: {image: '$NOT_SET'}}\n")
    await stacks.learn()

    def hidden(text: str) -> str:
        return stacks.hidden(text, certain=True)

    assert "Zq1kite9Xr" not in hidden("no such path: /srv/Zq1kite9Xr")
    assert "77" not in hidden("shown as &lt;a&amp;b&gt;77").split("(")[0]
    assert hidden("photon-machine-01 is down") == "photon-machine-01 is down"


async def test_a_file_means_the_same_for_the_check_and_the_client(
    stacks: DockerStacks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable of the bot's own, nor a home, leads out of the folder."""
    monkeypatch.setenv("HOME", "/etc")
    text = f"{HEAD}    environment: {{H: '${{HOME:-none}}', P: '${{PATH:-none}}'}}\n"
    write(tmp_path, text)
    fields = {each.field: each.new for each in (await stacks.record("s")).plan.services[0].fields}
    write(tmp_path, f"{HEAD}secrets: {{x: {{file: '${{HOME:-a/b/c}}/../../../../hosts'}}}}\n")

    assert (fields["environment H"], fields["environment P"]) == ("none", "none")
    assert "is not in the stacks' folder" in (await refusal(stacks)).sentence
    write(tmp_path, f"{HEAD}secrets: {{x: {{file: '${{HOME:-a}}/../hosts'}}}}\n", "HOME=/etc/x\n")
    assert "is not in the stacks' folder" in (await refusal(stacks)).sentence


@pytest.mark.parametrize(
    "volume", ["~/data:/x", "{type: bind, source: ~/data, target: /x}", "$WHERE:/x"]
)
async def test_a_mount_of_a_home_is_refused(
    stacks: DockerStacks, tmp_path: Path, volume: str
) -> None:
    """Its path would be another one in each run, so that no plan could ever be confirmed."""
    write(tmp_path, f"{HEAD}    volumes: [{volume}]\n", "WHERE=~/data\n")

    error = await refusal(stacks)

    assert error.sentence == "`a` in `s.yml` mounts `~/data`, and `~` has no meaning on a node."
    assert error.hint == "Write an absolute path that every node has."


async def test_recordings_of_the_same_files_are_equal(stacks: DockerStacks, tmp_path: Path) -> None:
    write(tmp_path, f"{HEAD}    volumes: ['./data:/x']\n")
    plans = await asyncio.gather(*(stacks.record("s") for _ in range(2)))

    assert len({each.plan.digest for each in plans}) == 1
