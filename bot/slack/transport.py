"""How to reach Slack: its address, an optional proxy, and one pool of connections."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

SLACK_API_URL: Final = "https://slack.com/api/"
TIMEOUT: Final = 10.0
"""Seconds for one call, from waiting for a connection to the last byte of the answer."""
CONNECTIONS: Final = 20
SECURE: Final = {"wss": "https", "ws": "http"}


def proxy_for(url: str) -> str | None:
    """The proxy from the environment for a URL, None for a direct connection.

    The Slack SDK itself uses ``HTTPS_PROXY`` for everything, including loopback, and ignores
    ``NO_PROXY``.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies_environment()
    if _is_loopback(host) or proxy_bypass(host):
        return None
    return proxies.get(SECURE.get(parts.scheme, parts.scheme))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_session(timeout: float = TIMEOUT) -> aiohttp.ClientSession:
    """One connection pool for all calls; create it in the event loop that uses it."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout),
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
    )


def web_client(
    token: str | None, base_url: str, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """The SDK's client without its retries, which could post a message twice."""
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    client.proxy = proxy_for(base_url)
    return client
