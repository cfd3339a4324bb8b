"""The connection to an engine: the docker SDK's low-level client, called in threads."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from docker import APIClient
from docker.utils import kwargs_from_env
from requests import Response

from bot.ports import Still, mind
from bot.runtime.threads import Threads
from bot.swarm.failures import CLIENT_ERRORS, speaks_another_version, translate, was_cut_off
from bot.swarm.listings import kept
from bot.swarm.transport import repair

T = TypeVar("T")
Json = dict[str, Any]
Filters = Mapping[str, list[str]]

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"

_OLDEST_API: Final = "1.41"
_NEWEST_API: Final = "1.51"
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

    async def get(self, path: str) -> Json:
        """One object of the API."""
        found: Json = await self.call(lambda client: _get(client, path, {}).json())
        return found

    async def list(self, path: str, filters: Filters | None = None) -> list[Json]:
        """A list of the API, filtered by the engine."""
        return [*await self.each(path, lambda found: found, filters)]

    async def each(
        self, path: str, keep: Callable[[Json], T], filters: Filters | None = None
    ) -> tuple[T, ...]:
        """What ``keep`` returns for each object of a list; it is called in the call's thread."""
        params = {"filters": json.dumps(filters)} if filters else {}
        return await self.call(lambda client: kept(_text(client, path, params), keep))

    async def api_version(self) -> str:
        """The version of the API that is spoken with the engine."""
        return await self.call(lambda client: str(client.api_version))

    async def post(
        self,
        path: str,
        params: Mapping[str, int | str],
        body: Json,
        still: Still | None = None,
    ) -> None:
        """Write once; after a SwarmUnavailableError it is unknown whether it was done.

        ``still`` is asked in the thread that writes, after any wait for it. Raises LeaseLostError.
        """

        def write(client: APIClient) -> None:
            mind(still)
            _post(client, path, params, body)

        await self.call(write, repeat=False)

    async def call(self, work: Callable[[APIClient], T], *, repeat: bool = True) -> T:
        """The result of ``work``; its client errors are raised as ``SwarmError``.

        With ``repeat`` the call is repeated if a kept-alive connection turns out to be closed; only
        for reads.
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
        client = self._open()
        try:
            return work(client)
        except CLIENT_ERRORS as error:
            if speaks_another_version(error):
                self.close()
                return work(self._open())
            if repeat and was_cut_off(error):
                return work(client)
            raise

    def _open(self) -> APIClient:
        """The client. Not created under the lock: a hanging engine would block all threads."""
        if self._client is not None:
            return self._client
        return self._keep(self._make(self._negotiate()))

    def _keep(self, made: APIClient) -> APIClient:
        with self._lock:
            kept = self._client = self._client or made
        if kept is not made:
            made.close()
        return kept

    def _negotiate(self) -> str:
        """The newest API version that both sides support (Engine API, ``GET /_ping``)."""
        client = self._make(_OLDEST_API)
        try:
            answer = client.get(f"{client.base_url}/_ping", timeout=self.timeout)
            answer.raise_for_status()
            offered = answer.headers.get("Api-Version", _OLDEST_API)
        finally:
            client.close()
        return min(offered, _NEWEST_API, key=_version)

    def _make(self, version: str) -> APIClient:
        options: Json = {**kwargs_from_env({**os.environ, "DOCKER_HOST": self.host})}
        if self.host.startswith("unix:"):
            options.pop("tls", None)
        options |= {"version": version, "timeout": self.timeout}
        client = APIClient(max_pool_size=_CALLS_AT_A_TIME, **options)
        client.trust_env = False  # no proxy between the bot and its engine
        repair(client)
        return client


def _get(client: APIClient, path: str, params: Mapping[str, str]) -> Response:
    answer = client.get(url(client, path), params=params, timeout=client.timeout)
    answer.raise_for_status()
    return answer


def _text(client: APIClient, path: str, params: Mapping[str, str]) -> str:
    """The engine's JSON is UTF-8; ``Response.text`` would guess the encoding."""
    return _get(client, path, params).content.decode()


def _post(client: APIClient, path: str, params: Mapping[str, int | str], body: Json) -> None:
    client.post(
        url(client, path),
        params=params,
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=client.timeout,
    ).raise_for_status()


def url(client: APIClient, path: str) -> str:
    """The address of a resource in the negotiated API version."""
    return f"{client.base_url}/v{client.api_version}{path}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
