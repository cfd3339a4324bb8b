"""The connection to an engine: the docker SDK's low-level client, called in threads."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from docker import APIClient
from docker.utils import kwargs_from_env
from requests import Response

from bot.domain.errors import NotFoundError
from bot.ports import Still, mind
from bot.runtime.threads import Threads
from bot.swarm.failures import (
    CLIENT_ERRORS,
    lost_connection,
    speaks_another_version,
    translate,
    was_refused,
)
from bot.swarm.listings import PIECE, kept
from bot.swarm.transport import repair

T = TypeVar("T")
Json = dict[str, Any]
Filters = Mapping[str, list[str]]

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"

NO_HEADERS: Final[Mapping[str, str]] = {}

_OLDEST_API: Final = "1.41"
_CALLS_AT_A_TIME: Final = 16


class Connection:
    """Calls to one engine. Creating it does no I/O; the first call negotiates the API version.

    ``base_url`` is as in ``DOCKER_HOST``; if empty, Docker's own variables are used
    (``DOCKER_HOST``, ``DOCKER_TLS_VERIFY``, ``DOCKER_CERT_PATH``). ``timeout`` is in seconds for
    each answer: an election of the swarm's leader can delay one by 14 s.
    """

    def __init__(self, base_url: str = "", timeout: float = 30.0) -> None:
        self.host = base_url or os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        self.timeout = timeout
        self._threads = Threads(_CALLS_AT_A_TIME)
        self._lock = threading.Lock()
        self._client: APIClient | None = None
        self._doubted = False  # the engine may have been replaced by one of another version

    async def get(self, path: str, headers: Mapping[str, str] = NO_HEADERS) -> Json:
        """One object of the API."""
        found: Json = await self.call(lambda client: _get(client, path, {}, headers).json())
        return found

    async def list(self, path: str, filters: Filters | None = None) -> list[Json]:
        """A list of the API, filtered by the engine."""
        return [*await self.each(path, lambda found: found, filters)]

    async def each(
        self, path: str, keep: Callable[[Json], T], filters: Filters | None = None
    ) -> tuple[T, ...]:
        """What ``keep`` returns for each object of a list; it is called in the call's thread."""
        params = {"filters": json.dumps(filters)} if filters else {}
        return await self.call(lambda client: _each(client, path, params, keep))

    async def api_version(self) -> str:
        """The version of the API that is spoken with the engine."""
        return await self.call(lambda client: str(client.api_version))

    async def post(
        self,
        path: str,
        params: Mapping[str, int | str],
        body: Json,
        still: Still | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """Write once; after a SwarmUnavailableError it is unknown whether it was done.

        ``still`` is asked in the thread that writes, after any wait for it. Raises LeaseLostError.
        """

        def write(client: APIClient) -> None:
            mind(still)
            _post(client, path, params, body, headers)

        await self.call(write, repeat=False)

    async def remove(self, path: str, still: Still | None = None) -> None:
        """Remove an object, or find it removed. ``still`` as for ``post``."""

        def delete(client: APIClient) -> None:
            mind(still)
            client.delete(url(client, path), timeout=client.timeout).raise_for_status()

        with suppress(NotFoundError):
            await self.call(delete, repeat=False)

    async def call(self, work: Callable[[APIClient], T], *, repeat: bool = True) -> T:
        """The result of ``work``; its client errors are raised as ``SwarmError``.

        With ``repeat`` the call is repeated if a kept-alive connection turns out to be closed, or
        if the engine was replaced by one of other versions; only for reads. A write that an engine
        refuses for its version is not made in another one: an engine drops the fields that are
        newer than a request (moby daemon/server/router/swarm/helpers.go), so the object is read
        again first.
        """
        try:
            return await self._threads.run(lambda: self._attempt(work, repeat=repeat))
        except CLIENT_ERRORS as error:
            raise translate(error, self.host, self.timeout) from error

    def close(self) -> None:
        """Close everything; a call in progress ends by its own time limit."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _attempt(self, work: Callable[[APIClient], T], *, repeat: bool) -> T:
        try:
            return work(self._open())
        except CLIENT_ERRORS as error:
            if not speaks_another_version(error) and not lost_connection(error):
                raise
            self._doubted = True
            if repeat and not was_refused(error):
                return work(self._open())
            raise

    def _open(self) -> APIClient:
        """The client, in the engine's present version.

        Not created under the lock: a hanging engine would block all threads.
        """
        known = self._client
        if known is not None and not self._doubted:
            return known
        version = self._negotiate()
        self._doubted = False
        if known is not None and known.api_version == version:
            return known
        return self._keep(self._make(version), known)

    def _keep(self, made: APIClient, former: APIClient | None) -> APIClient:
        """The client from now on: ``made``, unless another thread has replaced the former one."""
        with self._lock:
            kept = self._client
            if kept is former or kept is None:
                kept = self._client = made
        for old in (former, made):
            if old is not None and old is not kept:
                old.close()
        return kept

    def _negotiate(self) -> str:
        """The engine's newest API version (Engine API, ``GET /_ping``).

        Older ones lose fields of a specification that is read and written back.
        """
        client = self._make(_OLDEST_API)
        try:
            answer = client.get(f"{client.base_url}/_ping", timeout=self.timeout)
            answer.raise_for_status()
            return str(answer.headers.get("Api-Version", _OLDEST_API))
        finally:
            client.close()

    def _make(self, version: str) -> APIClient:
        options: Json = {**kwargs_from_env({**os.environ, "DOCKER_HOST": self.host})}
        if self.host.startswith("unix:"):
            options.pop("tls", None)
        options |= {"version": version, "timeout": self.timeout}
        client = APIClient(max_pool_size=_CALLS_AT_A_TIME, **options)
        client.trust_env = False  # no proxy between the bot and its engine
        repair(client)
        return client


def _get(
    client: APIClient,
    path: str,
    params: Mapping[str, str],
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    stream: bool = False,
) -> Response:
    answer = client.get(
        url(client, path),
        params=params,
        headers=dict(headers),
        timeout=client.timeout,
        stream=stream,
    )
    if not answer.ok:
        _ = answer.content  # read here: the error's words are also asked for in the event loop
    answer.raise_for_status()
    return answer


def _each(
    client: APIClient, path: str, params: Mapping[str, str], keep: Callable[[Json], T]
) -> tuple[T, ...]:
    with _get(client, path, params, stream=True) as answer:
        return kept(answer.iter_content(PIECE), keep)


def _post(
    client: APIClient,
    path: str,
    params: Mapping[str, int | str],
    body: Json,
    headers: Mapping[str, str],
) -> None:
    client.post(
        url(client, path),
        params=params,
        data=json.dumps(body),
        headers={"Content-Type": "application/json", **headers},
        timeout=client.timeout,
    ).raise_for_status()


def url(client: APIClient, path: str) -> str:
    """The address of a resource in the negotiated API version."""
    return f"{client.base_url}/v{client.api_version}{path}"
