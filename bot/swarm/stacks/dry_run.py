"""A dry-run engine: reads go to the real engine, writes are only recorded.

It listens on a private unix socket for one run of the docker CLI. Objects that the CLI creates get
an id and appear in its later reads, so the CLI makes exactly the calls of a real deploy. The only
write that is passed on is an update of a config or a secret, with a version that no object has: the
real engine then says whether the content is different (which it never shows), and cannot change
anything.

The stack's own networks are hidden from the CLI: it skips those that exist, so nobody would know
what the file wants of them. So are the configs and secrets that get another name later, by their
content.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from aiohttp import web
from docker import APIClient

from bot.domain.errors import RegistryError, SwarmError
from bot.swarm.connection import NO_HEADERS, Connection
from bot.swarm.logins import NO_LOGINS, Logins
from bot.swarm.registry import registry_error, silent

Json = dict[str, Any]

COLLECTIONS: Final = ("networks", "configs", "secrets", "services")

_VERSION: Final = re.compile(r"^/v[0-9.]+(?=/)")
_PASSED: Final = ("Content-Type", "Api-Version", "Docker-Experimental", "Ostype", "Server", "Swarm")
_IMMUTABLE: Final = ("configs", "secrets")
_IMAGE: Final = re.compile(
    r"^/distribution/(?P<name>(?:(?P<host>[^/]*[.:][^/]*|localhost)/)?.+)/json$"
)
_NAMESPACE: Final = "com.docker.stack.namespace"
_NO_VERSION: Final = "0"
_UNCHANGED: Final = "update out of sequence"
_IMMUTABLE_CONTENT: Final = "only updates to Labels are allowed"
_MOST_BYTES: Final = 16 * 2**20
_MOST_WORDS: Final = 400


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A write that was recorded instead of made.

    ``collection`` is one of ``COLLECTIONS``, ``action`` ``create``, ``update`` or ``remove``.
    ``id`` is the existing object's, or a made-up one for an object to be created. ``query`` are the
    parameters. ``entry`` is the name in the stack's file, with the stack, of an object that is made
    from a file (see ``bot.domain.deploys.file_contents``).
    """

    collection: str
    action: str
    id: str
    body: Json = field(repr=False)
    query: Mapping[str, str]
    entry: str = ""

    @property
    def name(self) -> str:
        """The desired name of the object; "" for a removal."""
        return str(self.body.get("Name", ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """An engine's answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_of_content(self) -> bool:
        """Whether it refuses to change the content of a config or a secret."""
        return _IMMUTABLE_CONTENT in self.body.decode(errors="replace")

    def as_web(self) -> web.Response:
        """The same for the CLI."""
        return web.Response(status=self.status, headers=self.headers, body=self.body)


class DryRunEngine:
    """The engine for one run, on a socket in ``folder`` while the context is entered.

    ``calls`` are the writes in order. ``seen`` are the existing objects by id as last read through
    it, on which the calls are based. ``trouble`` is why the real engine could not be asked, None if
    it always answered. ``unresolved`` says why images have no digest. ``hidden`` are collections
    and names of objects that the CLI does not see in the swarm. A registry that is silent for
    ``registry_seconds`` is not asked again in the same run, because the engine would wait 20 s for
    each image.
    """

    def __init__(
        self,
        connection: Connection,
        folder: Path,
        *,
        logins: Logins = NO_LOGINS,
        hidden: Collection[tuple[str, str]] = (),
        registry_seconds: float = 10.0,
    ) -> None:
        self.calls: list[RecordedCall] = []
        self.seen: dict[str, Json] = {}
        self.trouble: SwarmError | None = None
        self.unresolved: dict[str, RegistryError] = {}
        self._connection = connection
        self._logins = logins
        self._hidden = hidden
        self._registry_seconds = registry_seconds
        self._silent: set[str] = set()
        self._socket = folder / "engine.sock"
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)

    @property
    def host(self) -> str:
        """Its address, in the format of ``DOCKER_HOST``."""
        return f"unix://{self._socket}"

    async def __aenter__(self) -> DryRunEngine:
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        path = _VERSION.sub("", request.path)
        try:
            if request.method in {"GET", "HEAD"}:
                return await self._read(request, path)
            return await self._write(request, path)
        except SwarmError as error:
            self.trouble = error
            return _failure(503, error.sentence)

    async def _read(self, request: web.Request, path: str) -> web.Response:
        if image := _IMAGE.match(path):
            return await self._of_a_registry(request, image["name"], image["host"] or "")
        collection, _, key = path.strip("/").partition("/")
        if collection not in COLLECTIONS or request.method == "HEAD":
            return (await self._forward(request)).as_web()
        if key and (made := self._made(collection, key)):
            return web.json_response(made)
        if (collection, key) in self._hidden:
            return _failure(404, f"{collection.removesuffix('s')} {key} not found")
        answer = await self._forward(request)
        if answer.status != 200:
            return answer.as_web()
        found = json.loads(answer.body)
        self._note(found if isinstance(found, list) else [found])
        if key:
            return answer.as_web()
        filters = request.query.get("filters")
        if collection == "networks":
            found = [raw for raw in found if not _is_asked_by_stack(raw, filters)]
        found = [raw for raw in found if (collection, _name(raw)) not in self._hidden]
        return web.json_response(found + self._made_all(collection, filters))

    async def _of_a_registry(self, request: web.Request, image: str, host: str) -> web.Response:
        """A registry's answer about an image; ``host`` is "" for the default registry."""
        login = self._logins.of(image)
        if host not in self._silent:
            try:
                async with asyncio.timeout(self._registry_seconds):
                    answer = await self._forward(request, login.header if login else {})
            except TimeoutError:
                self._silent.add(host)
            else:
                if answer.status != 200:
                    said = _message(answer)
                    self.unresolved[image] = registry_error(image, login, answer.status, said)
                return answer.as_web()
        self.unresolved[image] = silent(image, self._registry_seconds)
        return _failure(504, "the registry did not answer in time")

    async def _write(self, request: web.Request, path: str) -> web.Response:
        collection, key, action = _target(request.method, path)
        if not action:
            return _failure(501, f"{request.method} {path} has no place in a plan")
        body = await request.json() if request.can_read_body else {}
        if action == "update" and collection in _IMMUTABLE:
            refusal = await other_content(self._connection, collection, key, body)
            if refusal is not None:
                return refusal.as_web()
        made = secrets.token_hex(13)[:25] if action == "create" else key
        self.calls.append(RecordedCall(collection, action, made, body, dict(request.query)))
        if action == "create":
            return web.json_response({"ID": made, "Id": made, "Warning": ""}, status=201)
        return web.json_response({"Warnings": None})

    async def _forward(
        self, request: web.Request, headers: Mapping[str, str] = NO_HEADERS
    ) -> Answer:
        """The real engine's answer to a read. Raises SwarmError if there is none."""
        return await self._connection.call(
            lambda client: _ask(client, request.method, request.path_qs, headers=headers)
        )

    def _note(self, found: list[Json]) -> None:
        self.seen |= {str(raw.get("ID") or raw.get("Id")): raw for raw in found}

    def _made_all(self, collection: str, filters: str | None) -> list[Json]:
        wanted = json.loads(filters) if filters else {}
        made = (_as_read(call) for call in self._creations(collection))
        return [raw for raw in made if _fits(raw, wanted)]

    def _made(self, collection: str, key: str) -> Json | None:
        found = (call for call in self._creations(collection) if key in {call.id, call.name})
        return next(map(_as_read, found), None)

    def _creations(self, collection: str) -> list[RecordedCall]:
        return [
            call for call in self.calls if call.collection == collection and call.action == "create"
        ]


async def other_content(
    connection: Connection, collection: str, key: str, body: Json
) -> Answer | None:
    """The engine's own refusal to change a config or a secret; None if it would accept it."""
    path = f"/{collection}/{key}/update?version={_NO_VERSION}"
    answer = await connection.call(lambda client: _ask(client, "POST", path, json.dumps(body)))
    return None if _UNCHANGED in answer.body.decode(errors="replace") else answer


def is_of_stack(network: Mapping[str, Any], stack: str) -> bool:
    """Whether an object is a network that the docker CLI created for the stack."""
    return "Driver" in network and (network.get("Labels") or {}).get(_NAMESPACE) == stack


def _is_asked_by_stack(network: Mapping[str, Any], filters: str | None) -> bool:
    """Whether the CLI asked for the networks of a stack, and this is one of them."""
    labels = (json.loads(filters) if filters else {}).get("label") or ()
    stacks = (text.removeprefix(f"{_NAMESPACE}=") for text in labels)
    return any(is_of_stack(network, stack) for stack in stacks)


def _ask(
    client: APIClient,
    method: str,
    path: str,
    body: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Answer:
    """One call to the real engine. Errors raise, except those of a registry, which are answers."""
    json_type = {"Content-Type": "application/json"} if body is not None else {}
    answer = client.request(
        method,
        f"{client.base_url}{path}",
        headers={**json_type, **headers},
        data=body,
        timeout=client.timeout,
    )
    of_a_registry = _IMAGE.match(_VERSION.sub("", path)) is not None
    if method == "GET" and not of_a_registry and answer.status_code >= 500:
        answer.raise_for_status()
    passed = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
    return Answer(answer.status_code, passed, answer.content)


def _message(answer: Answer) -> str:
    """The words of an engine's error."""
    try:
        return str(json.loads(answer.body)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.body.decode(errors="replace")[:_MOST_WORDS]


def _target(method: str, path: str) -> tuple[str, str, str]:
    """Collection, id and action of a write; the action is "" if unknown."""
    parts = path.strip("/").split("/")
    if parts[0] not in COLLECTIONS:
        return "", "", ""
    match method, parts:
        case "POST", [collection, "create"]:
            return collection, "", "create"
        case "POST", [collection, key, "update"]:
            return collection, key, "update"
        case "DELETE", [collection, key]:
            return collection, key, "remove"
    return "", "", ""


def _as_read(call: RecordedCall) -> Json:
    """An object to be created, in the format of a read."""
    if call.collection == "networks":
        return {"Scope": "swarm", **call.body, "Id": call.id}
    return {"ID": call.id, "Version": {"Index": 0}, "Spec": call.body}


def _name(raw: Json) -> str:
    return str(raw.get("Spec", raw).get("Name", ""))


def _fits(raw: Json, filters: Mapping[str, Any]) -> bool:
    """Whether an object matches filters for names (prefixes) and labels; others are ignored."""
    spec = raw.get("Spec", raw)
    name, labels = _name(raw), spec.get("Labels") or {}
    texts = {f"{key}={value}" for key, value in labels.items()} | set(labels)
    prefixes = list(filters.get("name") or ())
    return all(label in texts for label in filters.get("label") or ()) and (
        not prefixes or any(name.startswith(prefix) for prefix in prefixes)
    )


def _failure(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
