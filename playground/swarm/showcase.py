"""The swarm of the demo: the guide's, a second stack with a broken service, a private registry."""

from __future__ import annotations

import copy
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Final

from playground.swarm.furnished import deploy, led, service, stack
from playground.swarm.images import Registry, digest
from playground.swarm.model import Json
from playground.swarm.programs import Image
from playground.swarm.requests import Requests
from playground.swarm.simulation import Simulation

REGISTRY: Final = "registry.example.net"
LOGIN: Final = ("robot", "only-for-the-demo")
MONITORING: Final = "portainer"
BROKEN: Final = "portainer_server"
_DEPLOYED: Final = 180.0
_BROKE: Final = 45.0

_WORKER: Final = ("Start worker at: tcp://0.0.0.0:40123", "Registered to: tcp://scheduler:8786")
_AGENT: Final = ("starting Agent API server", "agent registered in the cluster")
PRIVATE: Final = (
    Image(f"{REGISTRY}/orochi/worker:2.0", says=_WORKER),
    Image(f"{REGISTRY}/orochi/worker:2.1", says=("Worker version 2.1", *_WORKER)),
    Image(f"{REGISTRY}/orochi/worker:2.2", says=_WORKER, architecture="arm64"),
    Image(f"{REGISTRY}/portainer/agent:lts", says=_AGENT),
    Image(
        f"{REGISTRY}/portainer/server:2.21.5",
        says=("loading PortainerDB: portainer.db", "starting HTTPS server on port :9443"),
    ),
    Image(
        f"{REGISTRY}/portainer/server:2.22.0",
        says=(
            "loading PortainerDB: portainer.db",
            "migrating database from version 2.21.5 to 2.22.0",
            "fatal: the database is locked by another process, giving up",
        ),
        fails_with=1,
    ),
)
"""What the registry has when the stacks are deployed; one of them is for other processors."""
PUSHED_SINCE: Final = Image(f"{REGISTRY}/portainer/agent:lts", says=("Agent 2.21.6", *_AGENT))


def showcase(*, now: float, seed: int = 1) -> Simulation:
    """The demo's swarm at ``now``: somebody rolled a service to a version that does not start."""
    simulation = led(now=now - _DEPLOYED, seed=seed)
    registry = simulation.registry
    registry.logins[REGISTRY] = LOGIN
    for image in PRIVATE:
        registry.add(image)
    auth = _header()
    deploy(simulation, [_pinned(spec, registry) for spec in _orochi()], auth=auth)
    portainer = [_pinned(spec, registry) for spec in _portainer()]
    deploy(simulation, portainer, stack=MONITORING, auth=auth)
    registry.add(PUSHED_SINCE)
    simulation.advance(now - _BROKE)
    _roll(simulation, BROKEN, f"{REGISTRY}/portainer/server:2.22.0")
    simulation.advance(now)
    return simulation


def config() -> str:
    """Docker's ``config.json`` with the login of the private registry."""
    basic = b64encode(":".join(LOGIN).encode()).decode()
    return json.dumps({"auths": {REGISTRY: {"auth": basic}}})


def _header() -> str:
    login = {"username": LOGIN[0], "password": LOGIN[1], "serveraddress": REGISTRY}
    return urlsafe_b64encode(json.dumps(login).encode()).decode()


def _portainer() -> list[Json]:
    agent = service("agent", f"{REGISTRY}/portainer/agent:lts", stack=MONITORING)
    server = service("server", f"{REGISTRY}/portainer/server:2.21.5", stack=MONITORING)
    agent |= {"Mode": {"Global": {}}, "UpdateConfig": {"Parallelism": 5, "MaxFailureRatio": 0}}
    return [agent, server]


def _orochi() -> list[Json]:
    """The guide's stack, with the worker of the private registry and how the file updates it."""
    specs = stack(f"{REGISTRY}/orochi/worker:2.0")
    (worker,) = (spec for spec in specs if spec["Name"] == "orochi_worker01")
    worker["UpdateConfig"] = {
        "Parallelism": 2,
        "Monitor": 3_000_000_000,
        "FailureAction": "rollback",
        "MaxFailureRatio": 0,
        "Order": "stop-first",
    }
    return specs


def _pinned(spec: Json, registry: Registry) -> Json:
    """The service with its image's digest and platforms, as the docker CLI deploys it."""
    pinned = copy.deepcopy(spec)
    container = pinned["TaskTemplate"]["ContainerSpec"]
    container["Image"] += f"@{digest(registry.image(container['Image']))}"
    platform = {"Architecture": "amd64", "OS": "linux"}
    pinned["TaskTemplate"]["Placement"] = {"Platforms": [platform]}
    return pinned


def _roll(simulation: Simulation, name: str, image: str) -> None:
    """What ``docker service update --image`` does."""
    requests = Requests(simulation)
    found = requests.service(name)
    changed = copy.deepcopy(dict(found.spec))
    pinned = f"{image}@{digest(simulation.registry.image(image))}"
    changed["TaskTemplate"]["ContainerSpec"]["Image"] = pinned
    requests.update_service(found.id, found.meta.version, changed)
