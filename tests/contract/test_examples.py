"""The override files in `examples` change the stack file as documented, in every combination."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.simulated_lab import SimulatedLab

ROOT = Path(__file__).parents[2]
OVERRIDES = sorted(path.name for path in (ROOT / "examples").glob("*.yml"))
COMBINATIONS = [
    names for count in range(len(OVERRIDES) + 1) for names in combinations(OVERRIDES, count)
]
FOLDER = "/srv/stacks"
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_PASSWORD")
LOGINS = "REGISTRY_AUTH"
every_combination = pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)


@dataclass(frozen=True)
class Deployed:
    """The deployed bot service."""

    replicas: int
    orders: set[str]
    secrets: set[str]
    mounted: dict[str, bool]
    """Whether each bind mount is read-only."""
    stacks: str
    """The folder of stacks that the bot uses."""


@pytest.fixture
def lab() -> Iterator[SimulatedLab]:
    """A swarm with the secrets that the stack file expects."""
    with SimulatedLab() as made:
        for name in (*SECRETS, LOGINS):
            made.docker("secret", "create", name, "-", stdin="x")
        yield made


def variables(names: tuple[str, ...]) -> dict[str, str]:
    """The variables that these override files need."""
    given = {"BOT_OPERATORS": "U012ABCDEF", "REDIS_NODE": "photon-machine-01"}
    return given | ({"BOT_STACKS_DIR": FOLDER} if "stacks-folder.yml" in names else {})


def docker(*arguments: str, **variables: str) -> str:
    """Standard output of the docker CLI in the project's folder with only these variables."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DOCKER_CLI_HINTS": "false", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(names: tuple[str, ...]) -> list[str]:
    """The arguments that name the stack file and these override files."""
    paths = ["stack-bot.yml", *(f"examples/{name}" for name in names)]
    return [word for path in paths for word in ("-c", path)]


def expected(names: tuple[str, ...]) -> Deployed:
    """Check what the override files promise."""
    one, folder = "one-manager.yml" in names, "stacks-folder.yml" in names
    mounted = {"/var/run/docker.sock": False, "/var/run/docker/swarm": True}
    return Deployed(
        replicas=1 if one else 2,
        orders={"stop-first" if one else "start-first"},
        secrets={*SECRETS, *([LOGINS] if "private-registry.yml" in names else [])},
        mounted=mounted | ({FOLDER: True} if folder else {}),
        stacks=FOLDER if folder else "",
    )


@every_combination
def test_each_combination_has_the_documented_effect(
    lab: SimulatedLab, names: tuple[str, ...]
) -> None:
    """As the real docker CLI deploys it, and also as it prints it if it knows `stack config`."""
    host = {"DOCKER_HOST": lab.manager.socket}
    command = ["stack", "deploy", "--resolve-image", "never", *files(names), "orochi-bot"]
    docker(*command, **variables(names), **host)
    (service,) = lab.client().services(filters={"name": "orochi-bot_bot"})
    found = [of_spec(service["Spec"]), *printed(names)]

    assert found == [expected(names)] * len(found)


def printed(names: tuple[str, ...]) -> list[Deployed]:
    """The files merged by `docker stack config`; None if the CLI is too old for it."""
    if "\n  config " not in docker("stack", "--help"):
        return []
    merged = yaml.safe_load(docker("stack", "config", *files(names), **variables(names)))
    return [of_file(merged["services"]["bot"])]


def of_spec(spec: dict[str, Any]) -> Deployed:
    container = spec["TaskTemplate"]["ContainerSpec"]
    binds = [mount for mount in container["Mounts"] if mount["Type"] == "bind"]
    environment = dict(entry.split("=", 1) for entry in container["Env"])
    assert all(mount["Source"] == mount["Target"] for mount in binds)
    return Deployed(
        replicas=spec["Mode"]["Replicated"]["Replicas"],
        orders={spec["UpdateConfig"]["Order"], spec["RollbackConfig"]["Order"]},
        secrets={each["SecretName"] for each in container["Secrets"]},
        mounted={mount["Target"]: mount.get("ReadOnly", False) for mount in binds},
        stacks=environment["BOT_STACKS_DIR"],
    )


def of_file(bot: dict[str, Any]) -> Deployed:
    binds = [mount for mount in bot["volumes"] if mount["type"] == "bind"]
    return Deployed(
        replicas=bot["deploy"]["replicas"],
        orders={bot["deploy"][part]["order"] for part in ("update_config", "rollback_config")},
        secrets={each["source"] for each in bot["secrets"]},
        mounted={mount["target"]: mount.get("read_only", False) for mount in binds},
        stacks=bot["environment"]["BOT_STACKS_DIR"],
    )


def test_every_override_file_is_explained() -> None:
    explained = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")

    assert OVERRIDES
    assert [name for name in OVERRIDES if f"({name})" not in explained] == []
