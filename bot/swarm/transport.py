"""The SDK's unix transport, with one fix.

docker-py (7.x, ``transport/unixconn.py``) leaves its socket open when it cannot connect: one
descriptor for each attempt until garbage collection.
"""

from __future__ import annotations

import socket
from typing import Final

from docker import APIClient
from docker.transport.unixconn import (
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)

_SCHEME: Final = "http+docker://"


def repair(client: APIClient) -> None:
    """Replace the adapter of a client that uses a unix socket; others stay as they are."""
    old = client.adapters.get(_SCHEME)
    if isinstance(old, UnixHTTPAdapter):
        new = _Adapter(old.socket_path, old.timeout, max_pool_size=old.max_pool_size)
        client.mount(_SCHEME, new)
        old.close()


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.unix_socket)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


class _Pool(UnixHTTPConnectionPool):
    def __init__(self, base_url: str, socket_path: str, seconds: int, maxsize: int) -> None:
        super().__init__(base_url, socket_path, seconds, maxsize=maxsize)
        self._seconds = seconds

    def _new_conn(self) -> _Connection:  # type: ignore[override]  # the stubs name urllib3's own
        return _Connection(self.base_url, self.socket_path, self._seconds)


class _Adapter(UnixHTTPAdapter):
    def get_connection(
        self,
        url: bytes | str,
        proxies: object = None,  # noqa: ARG002 (the SDK's signature)
    ) -> UnixHTTPConnectionPool:
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = _Pool(str(url), self.socket_path, self.timeout, self.max_pool_size)
                self.pools[url] = pool
            return pool
