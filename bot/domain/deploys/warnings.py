"""Warnings about likely problems of a stack that Docker accepts. Pure.

Each kind of problem gives one warning that names the affected objects and the solution. A stack
that cannot be deployed at all is refused elsewhere and gives no warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.commands.names import short_name
from bot.domain.swarm.model import Node, Service
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import NfsServer, Volume
from bot.domain.text.escaping import shorten

FILE_IMAGE: Final = "com.docker.stack.image"
"""The label in which the docker CLI stores the image as written in the file."""

Both = Callable[[str, str, str], tuple[str, str]]

_MOST_NAMES: Final = 8
_MOST_OPTIONS: Final = 3
_LONGEST_VALUE: Final = 24
"""The advice after the options has to stay readable, as a message cuts a warning at its end."""
_SHARING: Final = ("nfs", "cifs", "smb", "ceph", "gluster", "glusterfs", "sshfs")
_TROUBLES: Final = {
    Reach.REFUSES: "refuses connections on TCP {port}. Is the NFS server running there?",
    Reach.SILENT: "does not answer on TCP {port}. Is it up? Does a firewall block the bot?",
    Reach.UNREACHABLE: "cannot be reached from the bot. Is the address right?",
    Reach.UNRESOLVED: "cannot be resolved from the bot. Is the name right?",
}


@dataclass(frozen=True, slots=True)
class KeptNetwork:
    """An existing network that the file describes differently.

    ``differing`` has the name, the present and the desired value of each option.
    """

    name: str
    differing: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """The desired state of a stack, and the relevant state of the swarm.

    ``services`` are as the file defines them. ``volumes`` are the services' volumes, with their
    state in the bot's own engine. ``reached`` is the result of a connection attempt to each NFS
    server, by host and port. ``relative`` are bind mounts whose path is not absolute on a node: the
    service's full name and the path as written in the file. ``ignored`` are options that the docker
    CLI reports as ignored. ``networks`` are those of the stack that exist with other options.
    ``dropped`` are options that the engine does not know, with the first Docker version that does,
    and the services (full names). ``unknown_tags`` says why the digests of images could not be
    looked up, ``unresolved`` the same of images that change. ``odd_ports`` are services and ports
    with an unknown mode, and that mode.
    ``bound_ports`` are ports that are published on an address, as written in the file. ``nested``
    are the places of variables within the default of another one. ``drivers`` are the networks to
    be created with a driver: its name, ``Network`` or ``IPAM``, and the driver.
    """

    name: str
    services: tuple[Service, ...] = ()
    volumes: tuple[Volume, ...] = ()
    reached: Mapping[tuple[str, int], Reach] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    relative: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    networks: tuple[KeptNetwork, ...] = ()
    dropped: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    unknown_tags: Mapping[str, str] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)
    odd_ports: tuple[tuple[str, str, str], ...] = ()
    bound_ports: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    drivers: tuple[tuple[str, str, str], ...] = ()


def warnings(stack: Stack, both: Both = lambda _, old, new: (old, new)) -> tuple[str, ...]:
    """One or two sentences for each problem, always in the same order.

    ``both`` hides the present and the desired value of an option, by its name, if one is secret.
    The docker CLI names services in another order each time.
    """
    stack = _in_order(stack)
    return (
        *_unresolved(stack),
        *_ignored(stack),
        *_dropped(stack),
        *_nested(stack),
        *_ports(stack),
        *_relative(stack),
        *_servers(stack),
        *_unusable(stack),
        *_kept_options(stack, both),
        *_kept_networks(stack, both),
        *_unknown_drivers(stack),
        *_spread_volumes(stack),
        *_moving_tags(stack),
        *_unknown_tags(stack),
    )


def _in_order(stack: Stack) -> Stack:
    return replace(
        stack,
        services=tuple(sorted(stack.services, key=lambda each: each.name)),
        volumes=tuple(sorted(stack.volumes, key=lambda each: each.name)),
        networks=tuple(sorted(stack.networks, key=lambda each: each.name)),
        dropped={key: tuple(sorted(names)) for key, names in sorted(stack.dropped.items())},
        unknown_tags=dict(sorted(stack.unknown_tags.items())),
        unresolved=dict(sorted(stack.unresolved.items())),
        odd_ports=tuple(sorted(stack.odd_ports)),
        bound_ports=tuple(sorted(stack.bound_ports)),
    )


def to_ask(volumes: Iterable[Volume]) -> frozenset[tuple[str, int]]:
    """The NFS servers to check for a connection, by host and port."""
    servers = (volume.nfs for volume in volumes)
    return frozenset((s.host, s.port) for s in servers if s is not None and not s.is_placeholder)


def _ignored(stack: Stack) -> Iterator[str]:
    if stack.ignored:
        them = "it" if len(stack.ignored) == 1 else "them"
        yield (
            f"A swarm ignores {_and(sorted(stack.ignored))} in `{stack.name}.yml`. "
            f"Remove {them}, or use the options under `deploy:` instead."
        )


def _dropped(stack: Stack) -> Iterator[str]:
    for (option, docker), services in stack.dropped.items():
        names = _and(short_name(stack.name, each) for each in services)
        yield (
            f"This engine ignores `{option}` of {names}: it is too old for it. Docker {docker} or "
            "newer knows it."
        )


def _nested(stack: Stack) -> Iterator[str]:
    if stack.nested:
        yield (
            f"{_and(stack.nested)} has a variable within the default of another one, as in "
            "`${A:-${B}}`: the docker CLI takes such a default literally."
        )


def _ports(stack: Stack) -> Iterator[str]:
    for service, port, mode in stack.odd_ports:
        yield (
            f"Port {port} of `{short_name(stack.name, service)}`: there is no mode `{mode}`, so "
            "Docker publishes it as `ingress`. Write `ingress` or `host`."
        )
    if stack.bound_ports:
        yield (
            f"A swarm ignores the address in {_and(stack.bound_ports)}: the port is open on all "
            "addresses of every node. Leave the address out and close the port with a firewall, "
            "or do not publish it and use a network."
        )


def _relative(stack: Stack) -> Iterator[str]:
    by_service: dict[str, list[str]] = {}
    for service, path in stack.relative:
        by_service.setdefault(short_name(stack.name, service), []).append(path)
    for service, paths in by_service.items():
        yield (
            f"`{service}` mounts {_and(paths)}: relative paths don't exist on the nodes, so its "
            "tasks would be rejected. Use an absolute path that every node has, or a volume."
        )


def _servers(stack: Stack) -> Iterator[str]:
    by_server: dict[tuple[str, int], list[Volume]] = {}
    for volume in stack.volumes:
        if volume.nfs is not None:
            by_server.setdefault((volume.nfs.host, volume.nfs.port), []).append(volume)
    for (host, port), volumes in by_server.items():
        names = _and(short_name(stack.name, volume.name) for volume in volumes)
        on = f"{_plural('volume', volumes)} {names}"
        reach = stack.reached.get((host, port))
        if NfsServer(host, port, "").is_placeholder:
            named = f"`{host}`, a placeholder" if host else "no server"
            yield f"NFS {on}: the options have {named}. Put the server's address into `addr=`."
        elif reach in _TROUBLES:
            yield f"NFS {on}: the server `{host}` {_TROUBLES[reach].format(port=port)}"


def _unusable(stack: Stack) -> Iterator[str]:
    """Volumes of the swarm's own that no node can use: their services will not find a place."""
    for volume in stack.volumes:
        if volume.flaw:
            users = _and(sorted({short_name(stack.name, each.service) for each in volume.mounts}))
            yield f"No node can run {users}: {volume.flaw}."


def _kept_options(stack: Stack, both: Both) -> Iterator[str]:
    for volume in stack.volumes:
        if volume.live is None or not volume.differing:
            continue
        were = {**volume.live.options, "driver": volume.live.driver}
        wanted = {**volume.options, "driver": volume.driver}
        pairs = ((n, *both(n, were.get(n, ""), wanted.get(n, ""))) for n in volume.differing)
        changes = ", ".join(f"{name} `{old}` instead of `{new}`" for name, old, new in pairs)
        files = "the files on its server stay" if volume.nfs else "this deletes its files"
        yield (
            f"The volume `{volume.name}` exists with other options ({changes}), and Docker keeps "
            f"those. To use the file's, run `docker volume rm {volume.name}` on every node that "
            f"has it, once nothing uses it there; {files}."
        )


def _kept_networks(stack: Stack, both: Both) -> Iterator[str]:
    for network in stack.networks:
        pairs = ((n, *both(n, old, new)) for n, old, new in network.differing)
        changes = [f"{name} {_value(old)} instead of {_value(new)}" for name, old, new in pairs]
        if len(changes) > _MOST_OPTIONS:
            changes = [*changes[:_MOST_OPTIONS], f"and {len(changes) - _MOST_OPTIONS} more"]
        told = ", ".join(changes)
        yield (
            f"The network `{network.name}` exists with other options ({told}), and Docker keeps "
            "those. To use the file's, give it another name in the file, or remove the services "
            f"that use it, then run `docker network rm {network.name}`, and deploy again."
        )


def _unknown_drivers(stack: Stack) -> Iterator[str]:
    """Networks with a driver of which no node says that it has it; those of IPAM no node names."""
    names = {name for node in stack.nodes for kind, name in node.plugins if kind == "Network"}
    known = {
        "Network": names | {name.removesuffix(":latest") for name in names},
        "IPAM": {"default"},
    }
    for network, kind, driver in sorted(stack.drivers):
        if not known[kind] or driver in known[kind]:
            continue
        what = "No node has the network" if kind == "Network" else "Docker itself has no IPAM"
        yield (
            f"{what} driver `{driver}`, which the network `{short_name(stack.name, network)}` "
            "needs: without its plugin on the managers, the swarm refuses the network. Remove the "
            "line `driver:` for Docker's own."
        )


def _unresolved(stack: Stack) -> Iterator[str]:
    for why, images in _by_reason(stack.unresolved):
        them = "it" if len(images) == 1 else "them"
        yield f"{why} Only nodes that have {_and(images)} already can run {them}."


def _by_reason(images: Mapping[str, str]) -> Iterable[tuple[str, list[str]]]:
    reasons: dict[str, list[str]] = {}
    for image, why in images.items():
        reasons.setdefault(why, []).append(image)
    return reasons.items()


def _unknown_tags(stack: Stack) -> Iterator[str]:
    for why, images in _by_reason(stack.unknown_tags):
        yield (
            f"It is unknown whether {_and(images)} was pushed again since; the deployed image is "
            f"kept. {why}"
        )


def _value(text: str) -> str:
    return f"`{shorten(text, _LONGEST_VALUE)}`" if text else "nothing"


def _spread_volumes(stack: Stack) -> Iterator[str]:
    services = {service.name: service for service in stack.services}
    for volume in stack.volumes:
        users = [services[m.service] for m in volume.mounts if m.service in services]
        if not _is_of_one_node(volume) or not _is_shared(users):
            continue
        nodes = {node.hostname for user in users for node in eligible_nodes(user, stack.nodes)}
        if len(nodes) > 1:
            names = _and(sorted({user.short_name for user in users}))
            yield (
                f"The volume `{volume.name}` is local, and {names} may run on {len(nodes)} nodes: "
                "each node would have its own. Put it on a shared file system (NFS), or keep "
                "its services on one node (`node.hostname == …` under `placement: constraints:`)."
            )


def _moving_tags(stack: Stack) -> Iterator[str]:
    by_image: dict[str, list[str]] = {}
    for service in stack.services:
        image = service.labels.get(FILE_IMAGE) or service.image
        if _moves(image):
            by_image.setdefault(image, []).append(service.short_name)
    if by_image:
        told = _listed(f"`{image}` ({', '.join(names)})" for image, names in by_image.items())
        yield (
            f"Images without a fixed version: {told}. What such a tag points to can "
            "change. Pin a version."
        )


def _is_of_one_node(volume: Volume) -> bool:
    """Whether each node has its own volume of this name."""
    kind = volume.options.get("type", "").lower()
    return volume.driver == "local" and not kind.startswith(_SHARING)


def _is_shared(users: list[Service]) -> bool:
    """Whether several tasks share the same files. A global service has its own on each node."""
    names = {user.name for user in users}
    return len(names) > 1 or any((user.replicas or 0) > 1 for user in users)


def _moves(image: str) -> bool:
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return bool(image) and not digest and tag in {"", "latest"}


def _and(words: Iterable[str]) -> str:
    return _listed(f"`{word}`" for word in words)


def _listed(words: Iterable[str]) -> str:
    """The words with commas and an "and"; of a long list only the first ones."""
    found = list(words)
    if len(found) > _MOST_NAMES:
        found = [*found[: _MOST_NAMES - 1], f"{len(found) - _MOST_NAMES + 1} more"]
    return " and ".join(filter(None, (", ".join(found[:-1]), found[-1])))


def _plural(word: str, of: list[Volume]) -> str:
    return word if len(of) == 1 else f"{word}s"
