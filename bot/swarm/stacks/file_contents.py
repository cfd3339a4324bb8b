"""Gives the configs and secrets of a recording that are made from files a name by their content.

An object in the swarm with the same content is used whatever its name is, so nothing restarts
because of a name: neither after the docker CLI deployed the same file, nor after the bot's key for
the digests changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.domain.deploys.file_contents import (
    LABEL,
    FileObject,
    changed_lines,
    entries_by_name,
    is_long,
    key_of,
    name_of,
    unneeded,
)
from bot.domain.deploys.redaction import Redactor
from bot.domain.errors import RefusedError, SwarmError
from bot.domain.jobs.deploy_plan import ContentChange, Kind
from bot.ports import Still
from bot.swarm.connection import Connection
from bot.swarm.stacks.compose import bodies
from bot.swarm.stacks.dry_run import RecordedCall, other_content
from bot.swarm.stacks.fields import NAMESPACE
from bot.swarm.stacks.normal import with_credential

log = logging.getLogger(__name__)

Json = dict[str, Any]
Entry = tuple[str, str]
"""The collection of a config or a secret, and its name in the stack's file with the stack."""

KINDS: Final = {"configs": Kind.CONFIG, "secrets": Kind.SECRET}


def entries_of(document: Mapping[str, Any], stack: str) -> frozenset[Entry]:
    """The configs and secrets that a file makes from files and gives no name."""
    return frozenset(
        (collection, f"{stack}_{key}")
        for collection in KINDS
        for key, body in bodies(document, collection)
        if isinstance(body.get("file"), str) and not body.get("name") and not body.get("external")
    )


def check_entries(document: Mapping[str, Any], stack: str, entries: Collection[Entry]) -> None:
    """Raise RefusedError if another entry of the file means the name of one of these.

    The docker CLI finds objects by their names, and would take one for the other.
    """
    for collection, kind in KINDS.items():
        for key, body in bodies(document, collection):
            name = _own_name(key, body)
            if (collection, name) in entries:
                own = name.removeprefix(f"{stack}_")
                raise RefusedError(
                    f"In `{stack}.yml`, the {kind.value} `{key}` has the name `{name}`, which is "
                    f"that of `{own}` with the stack's name.",
                    hint=f"Give `{own}` another name, or a `name:` of its own.",
                )


def _own_name(key: str, body: Mapping[str, Any]) -> str:
    """The name of an entry that does not get the stack's name, "" for any other."""
    external = body.get("external")
    if isinstance(external, Mapping):
        return str(external.get("name") or key)
    return str(body.get("name") or (key if external else ""))


@dataclass(frozen=True, slots=True)
class Named:
    """Calls with the names of their objects.

    ``seen`` are the objects in the swarm by id that are used as they are. ``files`` are as in
    ``Plan``. ``names`` are the entries of all objects that are named by their content, former ones
    included.
    """

    calls: list[RecordedCall]
    seen: Mapping[str, Json] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[ContentChange, ...] = ()


class FileContents:
    """Finds or names the objects with the content of files. ``redactor`` makes keyed digests."""

    def __init__(self, connection: Connection, redactor: Redactor) -> None:
        self._connection = connection
        self._redactor = redactor

    async def named(
        self,
        calls: Iterable[RecordedCall],
        entries: Collection[Entry],
        stack: str,
        seen: Mapping[str, Json],
    ) -> Named:
        """The calls, in which every object of an entry is to be created, with its real name.

        ``seen`` are the services in the swarm. Raises RefusedError for a name that is taken.
        """
        live = await self._objects(stack)
        used = set(_used(raw.get("Spec") or {} for raw in seen.values()))
        settled: dict[str, RecordedCall] = {}
        for call in calls:
            if call.action == "create" and (call.collection, call.name) in entries:
                settled[call.id] = await self._settled(call, live[call.collection], used)
        made = [_referring(settled.get(call.id, call), settled) for call in calls]
        objects = [_of(raw, kind, stack) for kind in KINDS for raw in live[kind]]
        _check_names(made, stack)
        by_content = {call.name: call.entry for call in settled.values() if call.name != call.entry}
        return Named(
            made,
            {raw["ID"]: raw for kind in KINDS for raw in live[kind]},
            dict(_files(made, settled.values())),
            {**entries_by_name(objects), **by_content},
            tuple(_changes(made, settled.values(), objects, live, seen)),
        )

    async def clear(
        self, stack: str, entries: Collection[str], kept: Collection[str], still: Still | None
    ) -> tuple[str, ...]:
        """Remove the stack's objects that nobody needs any more; returns their keys."""
        live = await self._objects(stack)
        objects = [_of(raw, kind, stack) for kind in KINDS for raw in live[kind]]
        if not unneeded(objects, entries, (), kept):
            return ()
        services = await self._connection.list("/services")
        specs = (raw.get(part) or {} for raw in services for part in ("Spec", "PreviousSpec"))
        found = unneeded(objects, entries, set(_used(specs)), kept)
        return tuple([each.key for each in found if await self._removed(each, still)])

    async def _removed(self, found: FileObject, still: Still | None) -> bool:
        try:
            await self._connection.remove(f"/{found.kind}s/{found.id}", still)
        except SwarmError as error:
            log.warning("the %s %s is left: %s", found.kind, found.name, error)
            return False
        return True

    async def _objects(self, stack: str) -> dict[str, list[Json]]:
        """The stack's configs and secrets."""
        filters = {"label": [f"{NAMESPACE}={stack}"]}
        return {kind: await self._connection.list(f"/{kind}", filters) for kind in KINDS}

    async def _settled(
        self, call: RecordedCall, live: Iterable[Json], used: Collection[str]
    ) -> RecordedCall:
        """The call for an object of this content: one in the swarm, or one with a new name."""
        name, labels = name_of(call.name, self._digest(call)), call.body.get("Labels") or {}
        key = call.name.removeprefix(f"{labels.get(NAMESPACE, '')}_")
        labelled = {**labels, LABEL: key}
        made = replace(call, body={**call.body, "Name": name, "Labels": labelled}, entry=call.name)
        if not _content(call.body):
            return made
        candidates = [raw for raw in live if _name(raw) in {call.name, name} or _key(raw) == key]
        for raw in sorted(candidates, key=lambda raw: (raw["ID"] not in used, _name(raw) != name)):
            if await self._same(call, raw):
                kept = labelled if _key(raw) else labels
                body = {**call.body, "Name": _name(raw), "Labels": kept}
                return replace(call, action="update", id=raw["ID"], body=body, entry=call.name)
        if await self._is_taken(call.collection, name):
            kind = KINDS[call.collection].value
            raise RefusedError(
                f"The {kind} `{key}` would be named `{name}`, and another {kind} has that name.",
                hint=f"Give `{key}` a `name:` of its own.",
            )
        return made

    def _digest(self, call: RecordedCall) -> str:
        content, templating = _content(call.body), call.body.get("Templating")
        parts = [call.name if is_long(call.name) else "", templating or ""]
        if call.collection == "secrets":
            return self._redactor.digest([*parts, base64.b64encode(content).decode()])
        more = json.dumps(parts, sort_keys=True).encode() if any(parts) else b""
        return hashlib.sha256(content + more).hexdigest()

    async def _same(self, call: RecordedCall, raw: Json) -> bool:
        """Whether an object has the content that the call would give it."""
        spec = raw["Spec"]
        if (spec.get("Templating") or None) != (call.body.get("Templating") or None):
            return False
        if call.collection == "configs":
            return _content(spec) == _content(call.body)
        body = {"Name": _name(raw), "Data": call.body.get("Data", "")}
        refusal = await other_content(self._connection, call.collection, raw["ID"], body)
        if refusal is not None and not refusal.is_of_content:
            raise SwarmError(f"The swarm did not say what the secret {_name(raw)} has in it.")
        return refusal is None

    async def _is_taken(self, collection: str, name: str) -> bool:
        found = await self._connection.list(f"/{collection}", {"name": [name]})
        return any(_name(raw) == name for raw in found)


def _changes(
    calls: Iterable[RecordedCall],
    settled: Iterable[RecordedCall],
    objects: Iterable[FileObject],
    live: Mapping[str, list[Json]],
    seen: Mapping[str, Json],
) -> Iterator[ContentChange]:
    """The entries whose content changes for services that exist, sorted by name."""
    former = {each.id: each.entry for each in objects}
    specs = {raw["ID"]: raw["Spec"] for kind in KINDS for raw in live[kind]}
    updates = [call for call in calls if (call.collection, call.action) == ("services", "update")]
    for new in sorted(settled, key=lambda call: (call.collection, call.entry)):
        old, services = "", []
        for call in updates:
            before = set(_ids(seen[call.id]["Spec"], new.collection)) - {new.id}
            replaced = sorted(id_ for id_ in before if former.get(id_) == new.entry)
            if replaced and new.id in _ids(call.body, new.collection):
                old = replaced[0]
                services.append(call.name)
        if services:
            lines = None
            if new.collection == "configs":
                lines = changed_lines(_content(specs[old]), _content(new.body))
            kind, names = KINDS[new.collection], tuple(sorted(services))
            yield ContentChange(kind, new.entry, new.name, names, lines)


def _referring(call: RecordedCall, settled: Mapping[str, RecordedCall]) -> RecordedCall:
    """A service's call with the names and ids of the objects that it uses."""
    container = (call.body.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    changed = {
        part: [_reference(each, kind, settled) for each in container[part]]
        for part, kind in (("Configs", "Config"), ("Secrets", "Secret"))
        if container.get(part)
    }
    if not changed:
        return call
    used = {id_: found.id for id_, found in settled.items()}
    whole = with_credential({**container, **changed}, lambda id_: used.get(id_, id_))
    template = {**call.body["TaskTemplate"], "ContainerSpec": whole}
    return replace(call, body={**call.body, "TaskTemplate": template})


def _files(
    calls: Iterable[RecordedCall], settled: Iterable[RecordedCall]
) -> Iterator[tuple[str, str]]:
    """The keys of everything that the services use, then of what is made from files."""
    for call in calls:
        if call.collection == "services":
            for collection in KINDS:
                for name in _references(call.body, collection, "Name"):
                    yield key_of(KINDS[collection].value, name), ""
    for call in settled:
        yield key_of(KINDS[call.collection].value, call.name), call.entry


def _check_names(calls: Iterable[RecordedCall], stack: str) -> None:
    """Raise RefusedError if two entries are one object."""
    made = [(call.collection, call.name) for call in calls if call.collection in KINDS]
    twice = next((each for each in made if made.count(each) > 1), None)
    if twice:
        raise RefusedError(
            f"`{stack}.yml` defines two {twice[0]} that are `{twice[1]}` in the swarm.",
            hint="Remove the `name:` of one of them.",
        )


def _reference(used: Json, kind: str, settled: Mapping[str, RecordedCall]) -> Json:
    found = settled.get(str(used.get(f"{kind}ID", "")))
    return {**used, f"{kind}ID": found.id, f"{kind}Name": found.name} if found else used


def _of(raw: Json, collection: str, stack: str) -> FileObject:
    key, name = _key(raw), _name(raw)
    entry = f"{stack}_{key}" if key else name
    return FileObject(KINDS[collection].value, raw["ID"], name, entry)


def _used(specs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for spec in specs:
        for collection in KINDS:
            yield from _ids(spec, collection)


def _ids(spec: Mapping[str, Any], collection: str) -> list[str]:
    """The ids of the configs or secrets that a service uses."""
    return _references(spec, collection, "ID")


def _references(spec: Mapping[str, Any], collection: str, part: str) -> list[str]:
    container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    key = f"{KINDS[collection].value.title()}{part}"
    return [str(each.get(key, "")) for each in container.get(collection.title()) or ()]


def _content(spec: Mapping[str, Any]) -> bytes:
    return base64.b64decode(spec.get("Data") or "")


def _key(raw: Json) -> str:
    return str((raw["Spec"].get("Labels") or {}).get(LABEL, ""))


def _name(raw: Json) -> str:
    return str(raw["Spec"]["Name"])
