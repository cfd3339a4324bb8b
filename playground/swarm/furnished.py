"""The swarm of the guide: ten photon machines and the Orochi stack on them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from playground.swarm.model import Service
from playground.swarm.mounts import NFS_SERVER
from playground.swarm.requests import Requests
from playground.swarm.simulation import Machine, Simulation

__all__ = [
    "NFS_SERVER",
    "STACK",
    "crowded",
    "deploy",
    "furnished",
    "led",
    "machines",
    "service",
    "stack",
    "stack_of",
]

STACK: Final = "orochi"

_STACK_LABEL: Final = "com.docker.stack.namespace"
_MEBIBYTE: Final = 2**20
_SETTLED: Final = 30.0
_NEWEST_ENGINE: Final = "20.10.3"
_ENGINE: Final = "19.03.10"
_MANAGERS: Final = 5
_MACHINES: Final = 10
_LEADER: Final = "photon-machine-03"

Json = dict[str, Any]


def machines() -> list[Machine]:
    """The guide's machines: five managers, and five workers."""
    return [
        Machine(
            f"photon-machine-{number:02d}",
            manager=number <= _MANAGERS,
            engine_version=_NEWEST_ENGINE if number == 1 else _ENGINE,
        )
        for number in range(1, _MACHINES + 1)
    ]


def stack(image_of_worker: str = "garanews/orochi_worker:latest") -> list[Json]:
    """The services of the guide's stack, as ``docker stack deploy`` would create them."""
    media, symbols = _nfs("media_path", "/media"), _nfs("symbols_path", "/symbols")
    database = _nfs("postgres_data", "/var/lib/postgresql/data", "postgres/data")
    elastic = "docker.elastic.co"
    return [
        service("django", "garanews/orochi_django:latest", mounts=[media, symbols], limit=1024),
        service("es01", f"{elastic}/elasticsearch/elasticsearch:7.11.0", limit=4096),
        service("kib01", f"{elastic}/kibana/kibana:7.11.0"),
        service("mailhog", "mailhog/mailhog:v1.0.1"),
        service("postgres", "garanews/orochi_postgres:latest", mounts=[database]),
        service("redis", "redis:6.0.10", check="redis-cli ping"),
        service("scheduler", "daskdev/dask:2021.2.0", args=["dask-scheduler"]),
        service("worker01", image_of_worker, mounts=[media, symbols], limit=2048),
    ]


def furnished(*, now: float, seed: int = 1) -> Simulation:
    """The guide's swarm at ``now``, its stack healthy and running for half a minute."""
    simulation = led(now=now - _SETTLED, seed=seed)
    deploy(simulation, stack())
    simulation.advance(now)
    return simulation


def led(*, now: float, seed: int = 1) -> Simulation:
    """The guide's machines at ``now``, with the leader of the guide and no service."""
    simulation = Simulation(machines(), now=now, seed=seed)
    _lead(simulation)
    return simulation


def stack_of(service: Service) -> str:
    """The stack of a service, "" for none."""
    return str((service.spec.get("Labels") or {}).get(_STACK_LABEL, ""))


def crowded(nodes: int, tasks: int, *, now: float, seed: int = 1) -> Simulation:
    """A swarm of any size for measurements: equal services with ten tasks each, all running."""
    made = [Machine(f"photon-machine-{n:03d}", manager=n <= _MANAGERS) for n in range(1, nodes + 1)]
    simulation = Simulation(made, now=now - _SETTLED, seed=seed)
    specs = []
    for number in range(max(tasks // 10, 1)):
        spec = service(f"part{number:04d}", "garanews/orochi_worker:latest")
        specs.append({**spec, "Mode": {"Replicated": {"Replicas": min(10, tasks)}}})
    deploy(simulation, specs)
    simulation.advance(now)
    return simulation


def deploy(
    simulation: Simulation, specs: Iterable[Json], *, stack: str = STACK, auth: str = ""
) -> None:
    """Create the network of a stack and these services, in an order that the seed decides."""
    requests = Requests(simulation)
    network = {"Name": f"{stack}_default", "Driver": "overlay", "Labels": {_STACK_LABEL: stack}}
    requests.create_thing("networks", network)
    order = list(specs)
    random.Random(len(order)).shuffle(order)  # noqa: S311 - as the CLI, in no order
    for spec in order:
        requests.create_service(spec, auth)


def _lead(simulation: Simulation) -> None:
    """Make the third node the leader, as in the guide."""
    for node in tuple(simulation.store.nodes.values()):
        leads = node.hostname == _LEADER
        if node.leader != leads:
            simulation.store.put(replace(node, leader=leads))
    simulation.store.commit()


def service(
    name: str,
    image: str,
    *,
    stack: str = STACK,
    args: list[str] | None = None,
    mounts: list[Json] | None = None,
    limit: int = 0,
    check: str = "",
) -> Json:
    """A service with one replica, as ``docker stack deploy`` would create it."""
    container: Json = {"Image": image, "Labels": {_STACK_LABEL: stack}}
    if args:
        container["Args"] = args
    if mounts:
        container["Mounts"] = mounts
    if check:
        container["Healthcheck"] = {"Test": ["CMD-SHELL", check], "Interval": 2_000_000_000}
    resources = {"Limits": {"MemoryBytes": limit * _MEBIBYTE}} if limit else {}
    return {
        "Name": f"{stack}_{name}",
        "Labels": {_STACK_LABEL: stack, "com.docker.stack.image": image},
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": resources,
            "Placement": {},
            "Networks": [{"Target": f"{stack}_default", "Aliases": [name]}],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "vip"},
    }


def _nfs(volume: str, target: str, path: str = "") -> Json:
    options = {
        "type": "nfs",
        "o": f"addr={NFS_SERVER},nolock,soft,rw,nfsvers=4",
        "device": f":/var/nfs/{path or volume.removesuffix('_path')}",
    }
    return {
        "Type": "volume",
        "Source": f"{STACK}_{volume}",
        "Target": target,
        "VolumeOptions": {
            "Labels": {_STACK_LABEL: STACK},
            "DriverConfig": {"Name": "local", "Options": options},
        },
    }
