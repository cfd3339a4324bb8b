"""The sockets of Docker's Engine API, one for each manager of a simulated swarm.

What is not simulated is answered with 501 and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from playground.swarm import versions
from playground.swarm.api import (
    VERSION_PREFIX,
    Answer,
    EngineApi,
    as_json,
    version_of,
)
from playground.swarm.requests import RequestError, Requests

_LARGEST_BODY: Final = 16 * 2**20
_NO_LEADER: Final = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few "
    "managers are online. Make sure more than half of the managers are online."
)


class EngineServer:
    """The engine of one manager, whose node is ``hostname``; listens at ``path``.

    ``changed`` is called before and after each call: it moves the clock. ``root`` is the swarm's
    certificate in PEM, "" if there is no control socket.
    """

    def __init__(self, requests: Requests, hostname: str, path: Path, root: str = "") -> None:
        self._requests = requests
        self._api = EngineApi(requests, hostname, root)
        self._path = path
        self.changed: Callable[[], None] = lambda: None
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._routes = self._api.routes()
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )

    @property
    def host(self) -> str:
        """Its address, as for ``DOCKER_HOST``."""
        return f"unix://{self._path}"

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._path)).start()

    async def stop(self) -> None:
        """Close the socket."""
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> Answer:
        if not self._api.node.powered:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        try:
            return await self._route(request)
        except RequestError as error:
            return _message(error.status, error.message)
        finally:
            self.changed()

    async def _route(self, request: web.Request) -> Answer:
        self.changed()
        if version := version_of(request):
            _check_version(version)
        path = VERSION_PREFIX.sub("", request.path).strip("/").split("/")
        for method, pattern, handler, of_swarm in self._routes:
            keys = _match(pattern, path)
            if keys is None or method != ("GET" if request.method == "HEAD" else request.method):
                continue
            if of_swarm and not self._requests.simulation.has_leader:
                raise RequestError(500, _NO_LEADER)
            return await handler(request, *keys)
        raise RequestError(
            501, f"the simulated swarm does not support {request.method} /{'/'.join(path)}"
        )


def _match(pattern: tuple[str, ...], path: list[str]) -> tuple[str, ...] | None:
    """The parameters of a path that matches a pattern, else None."""
    if "**" in pattern:
        first, last = pattern[0], pattern[-1]
        fits = len(path) > 2 and path[0] == first and path[-1] == last
        return tuple(path[1:-1]) if fits else None
    if len(pattern) != len(path):
        return None
    pairs = list(zip(pattern, path, strict=True))
    if any(wanted not in {"*", found} or not found for wanted, found in pairs):
        return None
    return tuple(found for wanted, found in pairs if wanted == "*")


def _check_version(version: versions.Version) -> None:
    said = f"client version {versions.text(version)} is too"
    if version > versions.NEWEST:
        most = versions.text(versions.NEWEST)
        raise RequestError(400, f"{said} new. Maximum supported API version is {most}")
    if version < versions.OLDEST:
        least = versions.text(versions.OLDEST)
        newer = "please upgrade your client to a newer version"
        raise RequestError(400, f"{said} old. Minimum supported API version is {least}, {newer}")


def _message(status: int, message: str) -> web.Response:
    return as_json({"message": message}, status=status)
