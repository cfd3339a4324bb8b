"""Access to the page's server: only the page itself, from a browser on this machine.

The page changes a swarm, so other websites that are open in the same browser must not reach it:
neither by posting to loopback, nor by a domain of theirs that resolves to 127.0.0.1 (DNS
rebinding).
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that does not come from the page."""
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        raise web.HTTPForbidden(text="the page is only served to this machine\n")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="only the page itself can send requests\n")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the page takes JSON\n")
    return await handler(request)


async def headed(_request: web.Request, response: web.StreamResponse) -> None:
    """Add headers that stop the page from loading anything from elsewhere."""
    response.headers.update(HEADERS)
