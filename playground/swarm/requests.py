"""What a manager does with a client's requests: pure (swarmkit manager/controlapi, moby)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from playground.swarm import specs
from playground.swarm.model import Json, Node, Service, Spec, Task, Thing, UpdateStatus, part
from playground.swarm.simulation import Simulation

OUT_OF_SEQUENCE: Final = "rpc error: code = Unknown desc = update out of sequence"
_NAME: Final = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9-_]*[a-zA-Z0-9])?")
_LONGEST_NAME: Final = 63
PREDEFINED: Final = ("host", "bridge")
PREDEFINED_LABEL: Final = "com.docker.swarm.predefined"
_KINDS: Final = {"networks": "network", "configs": "config", "secrets": "secret"}
_Made = TypeVar("_Made")
_Found = TypeVar("_Found")
_AVAILABILITIES: Final = ("active", "pause", "drain")


class RequestError(Exception):
    """The engine's error answer: an HTTP status and a message in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Requests:
    """The writes of the Engine API, each as one transaction."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.store = simulation.store

    def service(self, key: str) -> Service:
        """A service by id, full name or prefix of an id. Raises RequestError if there is none."""
        found = self.store.services.get(key) or self.store.service_named(key)
        return found or _by_prefix(self.store.services, key, "service")

    def node(self, key: str, own: str = "") -> Node:
        """A node by id, hostname, prefix of an id, or ``self``."""
        key = own if key == "self" and own else key
        named = (node for node in self.store.nodes.values() if node.hostname == key)
        found = self.store.nodes.get(key) or next(named, None)
        return found or _by_prefix(self.store.nodes, key, "node")

    def task(self, key: str) -> Task:
        """A task by id or prefix of one."""
        return self.store.tasks.get(key) or _by_prefix(self.store.tasks, key, "task")

    def thing(self, kind: str, key: str) -> Thing:
        """A network, config or secret by id, name or the beginning of an id."""
        found = self._known(kind, key)
        if found is not None:
            return found
        kept = {one.id: one for one in self.store.things.values() if one.kind == kind}
        return _by_prefix(kept, key, _KINDS[kind])

    def create_service(self, body: Spec, auth: str = "") -> Service:
        """Create a service; ``auth`` is the ``X-Registry-Auth`` with which nodes pull its image."""
        spec = specs.with_login(self._checked(body), auth)
        if self.store.service_named(spec["Name"]) is not None:
            raise _exists("service", spec["Name"])
        self._check_ports("", spec)
        service = Service(
            self.simulation.ids.object(),
            spec,
            executed=self.simulation.timeline.now,
        )
        return self._commit(lambda: self.store.put(service))

    def update_service(
        self, key: str, version: int, body: Spec, rollback: str = "", auth: str = ""
    ) -> Service:
        """Replace a service's spec, or restore the previous one. Without `auth` its login stays."""
        service = self.service(key)
        if version != service.meta.version:
            raise RequestError(500, OUT_OF_SEQUENCE)
        if rollback == "previous":
            return self._commit(lambda: self.store.put(self._rolled_back(service)))
        spec = specs.with_login(self._checked(body), auth or specs.login_of(service.spec))
        if spec["Name"] != service.name:
            raise RequestError(501, _grpc("Unimplemented", "renaming services is not supported"))
        if next(iter(spec["Mode"])) != service.mode:
            raise RequestError(501, _grpc("Unimplemented", "service mode change is not allowed"))
        self._check_ports(service.id, spec)
        again = service.is_job and _forced(spec) > _forced(service.spec)
        changed = replace(
            service,
            spec=spec,
            spec_version=service.meta.version,
            previous=service.spec,
            previous_version=service.spec_version,
            update=None,
            iteration=self.store.index if again else service.iteration,
            executed=self.simulation.timeline.now if again else service.executed,
        )
        return self._commit(lambda: self.store.put(changed))

    def remove_service(self, key: str) -> None:
        """Remove a service and all its tasks."""
        service = self.service(key)
        self._commit(lambda: self.store.remove(service))

    def update_node(self, key: str, version: int, body: Spec) -> None:
        """Change availability and labels of a node. The rest of its spec stays as it is."""
        node = self.node(key)
        if version != node.meta.version:
            raise RequestError(500, OUT_OF_SEQUENCE)
        availability = str(body.get("Availability") or node.availability)
        if availability not in _AVAILABILITIES:
            raise RequestError(400, f'invalid Availability: "{availability}"')
        if str(body.get("Role") or node.role) != node.role:
            raise RequestError(501, "the simulated swarm does not promote or demote nodes")
        labels = {str(key): str(value) for key, value in (body.get("Labels") or {}).items()}
        changed = replace(node, availability=availability, labels=labels)
        self._commit(lambda: self.store.put(changed))

    def create_thing(self, kind: str, body: Spec) -> Thing:
        """Create a network, config or secret."""
        name = str(body.get("Name", ""))
        if not name:
            raise RequestError(400, _grpc("InvalidArgument", "name must be provided"))
        if self.store.named(kind, name) is not None:
            if kind == "networks":
                raise RequestError(409, f"network with name {name} already exists")
            raise _exists(_KINDS[kind], name)
        thing = Thing(self.simulation.ids.object(), kind, dict(body))
        return self._commit(lambda: self.store.put(thing))

    def update_thing(self, kind: str, key: str, version: int, body: Spec) -> None:
        """Change the labels of a config or secret; nothing else of them can be changed."""
        thing = self.thing(kind, key)
        same = all(
            body.get(field) in (None, thing.spec.get(field)) for field in ("Data", "Name", "Driver")
        )
        if not same:
            raise RequestError(400, _grpc("InvalidArgument", "only updates to Labels are allowed"))
        if version != thing.meta.version:
            raise RequestError(500, OUT_OF_SEQUENCE)
        changed = replace(thing, spec={**thing.spec, "Labels": body.get("Labels") or {}})
        self._commit(lambda: self.store.put(changed))

    def remove_thing(self, kind: str, key: str) -> None:
        """Remove a network, config or secret that no service uses."""
        thing = self.thing(kind, key)
        users = [one.name for one in self.store.services.values() if _uses(one, thing)]
        if users:
            word = _KINDS[kind]
            if kind == "networks":
                text = f"network {thing.id} is in use by service {users[0]}"
                raise RequestError(400, _grpc("FailedPrecondition", text))
            text = f"{word} '{thing.name}' is in use by the following service: {users[0]}"
            raise RequestError(400, _grpc("InvalidArgument", text))
        self._commit(lambda: self.store.remove(thing))

    def rotate(self, version: int, roles: Iterable[str]) -> None:
        """Create new join tokens for ``Worker`` or ``Manager``."""
        if version != self.simulation.cluster_version:
            raise RequestError(500, OUT_OF_SEQUENCE)
        self.simulation.cluster_version += 1
        for role in roles:
            self.simulation.join_secrets[role] = self.simulation.ids.object()

    def _rolled_back(self, service: Service) -> Service:
        if service.previous is None:
            text = f"service {service.id} does not have a previous spec"
            raise RequestError(400, _grpc("FailedPrecondition", text))
        now = self.simulation.timeline.now
        return replace(
            service,
            spec=service.previous,
            spec_version=service.previous_version,
            previous=service.spec,
            previous_version=service.spec_version,
            update=UpdateStatus("rollback_started", now, "manually requested rollback"),
        )

    def _checked(self, body: Spec) -> Json:
        try:
            spec = specs.kept(body)
        except specs.BadSpecError as error:
            raise RequestError(400, _grpc("InvalidArgument", str(error))) from error
        name = spec["Name"]
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            text = "name must be 63 characters or fewer" if len(name) > _LONGEST_NAME else (
                "name must be valid as a DNS name component"
            )  # fmt: skip
            raise RequestError(400, _grpc("InvalidArgument", text))
        self._resolve_networks(spec)
        for kind, field in (("configs", "Configs"), ("secrets", "Secrets")):
            for used in part(spec, "TaskTemplate", "ContainerSpec").get(field) or ():
                self._check_reference(kind, used)
        return spec

    def _resolve_networks(self, spec: Json) -> None:
        for place in (spec["TaskTemplate"], spec):
            place_networks = place.get("Networks") or []
            place_networks = [{**one, "Target": self._network(one)} for one in place_networks]
            if place_networks:
                place["Networks"] = place_networks

    def _network(self, attachment: Spec) -> str:
        target = str(attachment.get("Target", ""))
        found = self._known("networks", target)
        if found is None and target not in {"none", "ingress"}:
            raise RequestError(404, f"network {target} not found")
        return found.id if found else target

    def _known(self, kind: str, key: str) -> Thing | None:
        """The object with this id or name; the swarm has the networks host and bridge itself."""
        found = self.store.named(kind, key)
        if found is None and kind == "networks" and key in PREDEFINED:
            spec: Json = {"Name": key, "Driver": key, "Labels": {PREDEFINED_LABEL: "true"}}
            thing = Thing(self.simulation.ids.object(), kind, spec)
            found = self._commit(lambda: self.store.put(thing))
        return found

    def _check_reference(self, kind: str, used: Spec) -> None:
        word = _KINDS[kind]
        key = str(used.get(f"{word.title()}ID", ""))
        if self.store.named(kind, key) is None:
            name = used.get(f"{word.title()}Name", key)
            text = f"{word} not found: {name}"
            raise RequestError(400, _grpc("InvalidArgument", text))

    def _check_ports(self, own: str, spec: Spec) -> None:
        wanted = _ingress(spec)
        for service in self.store.services.values():
            taken = wanted & _ingress(service.spec) if service.id != own else set()
            for port, _ in sorted(taken):
                text = (
                    f"port '{port}' is already in use by service '{service.name}' "
                    f"({service.id}) as an ingress port"
                )
                raise RequestError(400, _grpc("InvalidArgument", text))

    def _commit(self, act: Callable[[], _Made]) -> _Made:
        made = act()
        self.store.commit()
        return made


def _ingress(spec: Spec) -> set[tuple[int, str]]:
    return {
        (int(port["PublishedPort"]), str(port.get("Protocol") or "tcp"))
        for port in part(spec, "EndpointSpec").get("Ports") or ()
        if port.get("PublishMode", "ingress") == "ingress" and port.get("PublishedPort")
    }


def _uses(service: Service, thing: Thing) -> bool:
    if thing.kind == "networks":
        places = (service.template, service.spec)
        return any(one.get("Target") == thing.id for p in places for one in p.get("Networks") or ())
    field = _KINDS[thing.kind].title()
    used = part(service.template, "ContainerSpec").get(f"{field}s") or ()
    return any(one.get(f"{field}ID") == thing.id for one in used)


def _forced(spec: Spec) -> int:
    return int(part(spec, "TaskTemplate").get("ForceUpdate") or 0)


def _by_prefix(kept: Mapping[str, _Found], key: str, word: str) -> _Found:
    found = [one for identity, one in kept.items() if key and identity.startswith(key)]
    if len(found) > 1:
        raise RequestError(400, f"{word} {key} is ambiguous ({len(found)} matches found)")
    if not found:
        raise RequestError(404, f"{word} {key} not found")
    return found[0]


def _exists(word: str, name: str) -> RequestError:
    text = f"name conflicts with an existing object: {word} {name} already exists"
    return RequestError(409, _grpc("AlreadyExists", text))


def _grpc(code: str, text: str) -> str:
    return f"rpc error: code = {code} desc = {text}"
