"""The simulated part of Docker's Engine API: one handler for each call."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from playground.swarm import logs, registries, render, selection, versions
from playground.swarm.images import digest
from playground.swarm.model import Json, Node, Service, Task, part
from playground.swarm.requests import RequestError, Requests
from playground.swarm.selection import filters_from

VERSION_PREFIX: Final = re.compile(r"^/v(\d+)\.(\d+)(?=/)")
_TRUE: Final = frozenset({"1", "true", "True"})
_LOG_TYPE: Final = "application/vnd.docker.multiplexed-stream"

Answer = web.StreamResponse
Handler = Callable[..., Awaitable[Answer]]
Route = tuple[str, tuple[str, ...], Handler, bool]
"""Method, path, handler, and whether the swarm must have a leader. In a path ``*`` is a
parameter, ``**`` several."""


class EngineApi:
    """The calls to one manager's engine, whose node is ``hostname``.

    ``root`` is the swarm's certificate in PEM, "" where it has no control socket.
    """

    def __init__(self, requests: Requests, hostname: str, root: str) -> None:
        self._requests = requests
        self._hostname = hostname
        self._root = root

    @property
    def node(self) -> Node:
        """The engine's own node."""
        return self._requests.simulation.node(self._hostname)

    def routes(self) -> list[Route]:
        """The routes of all simulated calls."""
        table: list[tuple[str, str, Handler, bool]] = [
            ("GET", "_ping", self._ping, False),
            ("GET", "version", self._version, False),
            ("GET", "info", self._info, False),
            ("GET", "swarm", self._swarm, True),
            ("POST", "swarm/update", self._update_swarm, True),
            ("GET", "services", self._services, True),
            ("POST", "services/create", self._create_service, True),
            ("GET", "services/*", self._service, True),
            ("DELETE", "services/*", self._remove_service, True),
            ("POST", "services/*/update", self._update_service, True),
            ("GET", "services/*/logs", self._service_logs, True),
            ("GET", "tasks", self._tasks, True),
            ("GET", "tasks/*", self._task, True),
            ("GET", "tasks/*/logs", self._task_logs, True),
            ("GET", "nodes", self._nodes, True),
            ("GET", "nodes/*", self._one_node, True),
            ("POST", "nodes/*/update", self._update_node, True),
            ("GET", "volumes", self._volumes, False),
            ("GET", "containers/*/json", self._container, False),
            ("GET", "distribution/**/json", self._distribution, False),
            ("POST", "auth", self._log_in, False),
        ]
        for kind in ("networks", "configs", "secrets"):
            table += [
                ("GET", kind, self._things, True),
                ("POST", f"{kind}/create", self._create_thing, True),
                ("GET", f"{kind}/*", self._thing, True),
                ("DELETE", f"{kind}/*", self._remove_thing, True),
            ]
            if kind != "networks":
                table.append(("POST", f"{kind}/*/update", self._update_thing, True))
        return [(method, tuple(path.split("/")), act, swarm) for method, path, act, swarm in table]

    async def _ping(self, _request: web.Request) -> Answer:
        headers = {
            "Api-Version": versions.text(versions.NEWEST),
            "Docker-Experimental": "false",
            "Ostype": "linux",
            "Swarm": "active/manager",
        }
        return web.Response(text="OK", headers=headers)

    async def _version(self, _request: web.Request) -> Answer:
        found = {
            "Version": self.node.engine_version,
            "ApiVersion": versions.text(versions.NEWEST),
            "MinAPIVersion": versions.text(versions.OLDEST),
            "Os": "linux",
            "Arch": "amd64",
            "KernelVersion": "simulated",
        }
        return as_json(found)

    async def _info(self, _request: web.Request) -> Answer:
        return as_json(render.info_json(self._requests.simulation, self.node, self._root))

    async def _swarm(self, _request: web.Request) -> Answer:
        found = render.swarm_json(self._requests.simulation, self._root, tokens=True)
        return as_json(found)

    async def _update_swarm(self, request: web.Request) -> Answer:
        roles = [
            role
            for role in ("Worker", "Manager")
            if request.query.get(f"rotate{role}Token") in _TRUE
        ]
        if not roles:
            raise RequestError(501, "the simulated swarm only rotates its join tokens")
        self._requests.rotate(_index(request), roles)
        return web.Response()

    async def _services(self, request: web.Request) -> Answer:
        found = selection.services(self._requests, _filters(request))
        with_status = request.query.get("status") in _TRUE
        defaults = request.query.get("insertDefaults") in _TRUE
        return as_json(
            [self._service_json(s, defaults=defaults, status=with_status) for s in found]
        )

    def _service_json(self, service: Service, *, defaults: bool, status: bool) -> Json:
        found = render.service_json(service, defaults=defaults)
        if status:
            tasks = self._requests.store.tasks_of(service.id)
            found["ServiceStatus"] = render.service_status(service, tasks)
        return found

    async def _service(self, request: web.Request, key: str) -> Answer:
        defaults = request.query.get("insertDefaults") in _TRUE
        return as_json(render.service_json(self._requests.service(key), defaults=defaults))

    async def _create_service(self, request: web.Request) -> Answer:
        made = self._requests.create_service(await _service_body(request), _auth(request))
        return as_json({"ID": made.id}, status=201)

    async def _update_service(self, request: web.Request, key: str) -> Answer:
        rollback = request.query.get("rollback", "")
        spec = await _service_body(request)
        self._requests.update_service(key, _index(request), spec, rollback, _auth(request))
        return as_json({"Warnings": None})

    async def _remove_service(self, _request: web.Request, key: str) -> Answer:
        self._requests.remove_service(key)
        return web.Response()

    async def _tasks(self, request: web.Request) -> Answer:
        found = selection.tasks(self._requests, _filters(request), self.node.id)
        return as_json([render.task_json(task) for task in found])

    async def _task(self, _request: web.Request, key: str) -> Answer:
        return as_json(render.task_json(self._requests.task(key)))

    async def _nodes(self, request: web.Request) -> Answer:
        found = selection.nodes(self._requests, _filters(request))
        return as_json([self._node_json(node) for node in found])

    async def _one_node(self, _request: web.Request, key: str) -> Answer:
        return as_json(self._node_json(self._requests.node(key, self.node.id)))

    def _node_json(self, node: Node) -> Json:
        return render.node_json(node, leads=self._requests.simulation.has_leader)

    async def _update_node(self, request: web.Request, key: str) -> Answer:
        self._requests.update_node(key, _index(request), await _body(request))
        return web.Response()

    async def _things(self, request: web.Request) -> Answer:
        kind = _kind(request)
        found = selection.things(self._requests, kind, _filters(request))
        return as_json([render.thing_json(one) for one in found])

    async def _thing(self, request: web.Request, key: str) -> Answer:
        return as_json(render.thing_json(self._requests.thing(_kind(request), key)))

    async def _create_thing(self, request: web.Request) -> Answer:
        made = self._requests.create_thing(_kind(request), await _body(request))
        answer = {"Id": made.id, "Warning": ""} if made.kind == "networks" else {"ID": made.id}
        return as_json(answer, status=201)

    async def _update_thing(self, request: web.Request, key: str) -> Answer:
        body = await _body(request)
        self._requests.update_thing(_kind(request), key, _index(request), body)
        return web.Response()

    async def _remove_thing(self, request: web.Request, key: str) -> Answer:
        self._requests.remove_thing(_kind(request), key)
        return web.Response(status=204)

    async def _volumes(self, _request: web.Request) -> Answer:
        """The volumes of the containers on this node; the simulation has no others."""
        found: dict[str, Json] = {}
        for task in self._requests.store.tasks_on(self.node.id):
            for mount in part(task.spec, "ContainerSpec").get("Mounts") or ():
                if mount.get("Type") == "volume" and mount.get("Source"):
                    found[mount["Source"]] = _volume(mount)
        return as_json({"Volumes": list(found.values()), "Warnings": None})

    async def _container(self, _request: web.Request, key: str) -> Answer:
        found = self._requests.simulation.agent.containers.by_id.get(key)
        if found is None or found.node_id != self.node.id:
            raise RequestError(404, f"No such container: {key}")
        return as_json(render.container_json(found))

    async def _distribution(self, request: web.Request, *name: str) -> Answer:
        found = registries.manifest(
            self._requests.simulation.registry, "/".join(name), _auth(request)
        )
        descriptor = {
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "digest": digest(found),
            "size": 1024,
        }
        platforms = [{"architecture": found.architecture, "os": "linux"}]
        return as_json({"Descriptor": descriptor, "Platforms": platforms})

    async def _log_in(self, request: web.Request) -> Answer:
        registries.check_login(self._requests.simulation.registry, await _body(request))
        return as_json({"IdentityToken": "", "Status": "Login Succeeded"})

    async def _service_logs(self, request: web.Request, key: str) -> Answer:
        service = self._requests.service(key)
        return await self._logs(request, self._requests.store.tasks_of(service.id))

    async def _task_logs(self, request: web.Request, key: str) -> Answer:
        return await self._logs(request, [self._requests.task(key)])

    async def _logs(self, request: web.Request, tasks: list[Task]) -> Answer:
        if request.query.get("follow") in _TRUE:
            raise RequestError(501, "the simulated swarm does not follow logs: leave out --follow")
        simulation = self._requests.simulation
        answer = web.StreamResponse(headers={"Content-Type": _LOG_TYPE})
        await answer.prepare(request)
        for frame in logs.frames(simulation, tasks, _wanted(request)):
            await answer.write(frame)
        if logs.unreachable(simulation, tasks):
            await asyncio.Event().wait()  # wait until the client gives up, as with a real engine
        await answer.write_eof()
        return answer


def as_json(found: object, status: int = 200) -> web.Response:
    """A JSON answer; the CLI reads errors only if the content type has no character set."""
    body = json.dumps(found).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def _kind(request: web.Request) -> str:
    return VERSION_PREFIX.sub("", request.path).strip("/").split("/")[0]


def _filters(request: web.Request) -> selection.Filters:
    return filters_from(request.query.get("filters"))


def _index(request: web.Request) -> int:
    text = request.query.get("version", "")
    if not text.isdigit():
        raise RequestError(400, f"invalid version '{text}'")
    return int(text)


async def _body(request: web.Request) -> Json:
    try:
        found: Any = await request.json()
    except json.JSONDecodeError as error:
        raise RequestError(400, f"invalid JSON: {error}") from error
    if not isinstance(found, dict):
        raise RequestError(400, "invalid JSON: an object is expected")
    return found


def _auth(request: web.Request) -> str:
    return str(request.headers.get("X-Registry-Auth", ""))


async def _service_body(request: web.Request) -> Json:
    """A service's specification, as far as the version of the request knows it."""
    return versions.known_in(version_of(request) or versions.NEWEST, await _body(request))


def version_of(request: web.Request) -> versions.Version | None:
    """The API version in a request's path, None without one."""
    found = VERSION_PREFIX.match(request.path)
    return (int(found[1]), int(found[2])) if found else None


def _wanted(request: web.Request) -> logs.Wanted:
    query = request.query
    tail = query.get("tail", "all")
    return logs.Wanted(
        stdout=query.get("stdout") in _TRUE,
        stderr=query.get("stderr") in _TRUE,
        timestamps=query.get("timestamps") in _TRUE,
        details=query.get("details") in _TRUE,
        since=_seconds(query.get("since", "")),
        **({"tail": int(tail)} if tail.isdigit() else {}),
    )


def _seconds(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError as error:
        raise RequestError(400, f"invalid value for since: {text}") from error


def _volume(mount: Json) -> Json:
    options = mount.get("VolumeOptions") or {}
    driver = options.get("DriverConfig") or {}
    return {
        "Name": mount["Source"],
        "Driver": driver.get("Name") or "local",
        "Options": driver.get("Options"),
        "Labels": options.get("Labels") or {},
        "Mountpoint": f"/var/lib/docker/volumes/{mount['Source']}/_data",
        "Scope": "local",
    }
