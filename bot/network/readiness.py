"""Runs readiness probes over HTTP: ``bot.ports.ProbeClient`` on this machine's network."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.domain.convergence.probe_spec import (
    HttpStatus,
    ProbeKind,
    ProbeSpec,
    Reading,
    Unlike,
    Unreached,
    Workers,
)
from bot.domain.swarm.reachability import Reach

log = logging.getLogger(__name__)

SECONDS: Final = 2.0
MOST_BYTES: Final = 8 * 1024 * 1024
"""A scheduler returns about 2 kB for each worker."""
IDENTITY: Final = "/json/identity.json"
"""Served by every scheduler with the default routes; seen in releases 2021.2 to 2026.8."""


class HttpProbeClient:
    """Sends one GET for each probe, with a time limit of ``seconds``.

    Connects directly, without a proxy, and follows no redirect.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    async def ask(self, probe: ProbeSpec) -> Reading:
        """The result of a probe. Raises nothing."""
        try:
            async with asyncio.timeout(self._seconds), _session() as session:
                return await _asked(session, probe)
        except TimeoutError:
            return Unreached(Reach.SILENT)
        except aiohttp.ClientConnectorDNSError:
            return Unreached(Reach.UNRESOLVED)
        except aiohttp.ClientConnectorError as error:
            return Unreached(_reach(error.os_error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.info("%s did not give an HTTP answer: %r", probe.shown, error)
            return Unlike("the answer breaks off, or is not HTTP")


def _session() -> aiohttp.ClientSession:
    """A new session for each probe, so that names are resolved again as tasks come and go."""
    connector = aiohttp.TCPConnector(force_close=True, use_dns_cache=False)
    return aiohttp.ClientSession(connector=connector)


async def _asked(session: aiohttp.ClientSession, probe: ProbeSpec) -> Reading:
    dask = probe.kind is ProbeKind.DASK
    url = f"http://{probe.address}{IDENTITY if dask else probe.path}"
    async with session.get(url, allow_redirects=False) as response:
        if not dask:
            return HttpStatus(response.status)
        if response.status != 200:
            return Unlike(f"it answers {response.status} at {IDENTITY}")
        return await _workers(response.content)


async def _workers(content: aiohttp.StreamReader) -> Reading:
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            return Unlike(f"it answers more than {MOST_BYTES} bytes at {IDENTITY}")
    try:
        identity = json.loads(body)
    except ValueError:
        return Unlike(f"its answer is not JSON at {IDENTITY}")
    workers: Any = identity.get("workers") if isinstance(identity, dict) else None
    if not isinstance(workers, dict):
        return Unlike(f"its answer lists no workers at {IDENTITY}")
    return Workers(tuple(filter(None, map(_host, workers))))


def _host(address: str) -> str:
    """The host in a worker's address, ``tcp://10.0.1.7:39073``; "" if it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _reach(error: OSError) -> Reach:
    if isinstance(error, ConnectionRefusedError):
        return Reach.REFUSES
    return Reach.UNRESOLVED if isinstance(error, socket.gaierror) else Reach.UNREACHABLE
