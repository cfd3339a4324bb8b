"""The secret values of a stack's files, and errors without them."""

from __future__ import annotations

from typing import Any

from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.secret_values import SecretValues
from bot.swarm.stacks.bundle import Contents
from bot.swarm.stacks.fields import differences, fields_of
from bot.swarm.stacks.tracking import stand_ins, tracked, without_values

REDACTOR = Redactor(b"a key")
TEXT = b"""
services:
  a:
    image: lab/any:1
    env_file: [a.env]
    environment: {REGISTRY_PW: "$REGISTRY_PW", URL: "amqp://u:${RABBIT_PASSWORD}@h/", RCON: "$RCON"}
    labels: {note: "pw is ${RCON}"}
secrets: {x: {file: ./x.txt}}
"""
VARIABLES = {"REGISTRY_PW": "delta44", "RABBIT_PASSWORD": "echo55", "RCON": "foxtrot66"}
FILES = {"a.env": b"# settings\nexport LICENCE=golf77\nLEVEL=info\n", "x.txt": b"hotel88\n"}
SPEC: dict[str, Any] = {
    "Labels": {"note": "pw is foxtrot66"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "lab/any:1",
            "Env": ["REGISTRY_PW=delta44", "URL=amqp://u:echo55@h/", "RCON=foxtrot66",
                    "LICENCE=golf77", "LEVEL=info", "COPY=hotel88"],
            "Args": ["serve", "-pfoxtrot66", "-a", "foxtrot66"],
            "Healthcheck": {"Test": ["CMD", "redis-cli", "-a", "foxtrot66", "ping"]},
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/x",
                        "VolumeOptions": {"DriverConfig": {"Options": {"o": "opt=foxtrot66"}}}}],
        }
    },
}  # fmt: skip


def contents() -> Contents:
    return Contents("s", "/stacks", TEXT, VARIABLES, FILES)


def test_no_field_shows_a_value_of_the_stacks_files() -> None:
    found = fields_of(SPEC, REDACTOR.knowing(tracked(contents())))

    words = ("delta44", "echo55", "foxtrot66", "golf77", "hotel88")
    assert [word for word in words if word in str(found)] == []
    assert found["environment LEVEL"] == "info"
    assert found["image"] == "lab/any:1"
    assert found["command"].startswith("serve hidden (")


def test_the_other_side_of_a_hidden_field_is_hidden() -> None:
    """The value before is not in the files any more."""
    new = {"label note": "pw is hidden (1a2b3c4d)", "command": "serve -a hidden (1a2b3c4d)"}
    old = {"label note": "pw is golf7788", "command": "serve"}
    new["health check"] = "-a hidden (1a2b3c4d) -b hidden (1a2b3c4d)"
    old["health check"] = "-a hidden (5e6f7a8b) -b golf7788"

    shown = {each.field: each.old for each in differences(old, new)}

    assert shown == {"label note": "hidden", "command": "serve", "health check": "hidden"}


def test_an_error_keeps_its_own_words() -> None:
    """A value that is also one of the CLI's words is hidden only where it stands for itself."""
    variables = {"A_TOKEN": "external", "B_TOKEN": "e"}
    secrets = SecretValues(names=frozenset(variables))
    others = stand_ins(variables, secrets)
    said = 'network "external" is declared as external, e'
    again = f'network "{others["A_TOKEN"]}" is declared as external, {others["B_TOKEN"]}'

    assert without_values(said, again, variables, secrets, REDACTOR) == (
        f'network "{REDACTOR.hidden("external")}" is declared as external, {REDACTOR.hidden("e")}'
    )
    assert without_values(said, "something else", variables, secrets, REDACTOR) is None
