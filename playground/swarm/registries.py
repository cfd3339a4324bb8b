"""What an engine answers about registries, in the words of Docker 28.5: pure."""

from __future__ import annotations

from typing import Final

from playground.swarm.images import Registry, canonical, host_of, login_in
from playground.swarm.model import Spec
from playground.swarm.programs import Image
from playground.swarm.requests import RequestError

_HUB: Final = "registry-1.docker.io"


def manifest(registry: Registry, name: str, auth: str) -> Image:
    """What a registry has under a name (``GET /distribution``). Raises RequestError."""
    host = host_of(name) or _HUB
    if not registry.reachable:
        raise RequestError(500, f"Get https://{host}/v2/: no such host ({name})")
    if not registry.serves(name, auth):
        if any(login_in(auth)):
            raise RequestError(401, "unauthorized: authentication required")
        path, _, tag = canonical(name).removeprefix(f"{host}/").rpartition(":")
        url = f"https://{host}/v2/{path}/manifests/{tag}"
        raise RequestError(500, f'Head "{url}": no basic auth credentials')
    found = registry.find(name)
    if found is None:
        raise RequestError(404, "manifest unknown: manifest unknown")
    return found


def check_login(registry: Registry, login: Spec) -> None:
    """Raise RequestError if the login of ``POST /auth`` is refused."""
    host = str(login.get("serveraddress", ""))
    url = f"https://{host}/v2/"
    if not registry.reachable or not registry.knows(host):
        raise RequestError(500, f'Get "{url}": dial tcp: lookup {host}: no such host')
    wanted = registry.logins.get(host)
    if wanted is not None and (login.get("username"), login.get("password")) != wanted:
        raise RequestError(500, f"login attempt to {url} failed with status: 401 Unauthorized")
