"""Services of one-off tasks: implements the port ``OneOffs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.errors import RefusedError, SwarmError
from bot.ports import Still
from bot.swarm import specs
from bot.swarm.connection import Connection
from bot.swarm.logins import NO_LOGINS, Logins
from bot.swarm.service_removal import remove_service


class DockerOneOffs:
    """Implements ``bot.ports.engine.OneOffs``; ``logins`` are for the images."""

    def __init__(self, connection: Connection, logins: Logins = NO_LOGINS) -> None:
        self._connection = connection
        self._logins = logins

    async def create(
        self,
        like: str,
        name: str,
        arguments: Sequence[str],
        labels: Mapping[str, str],
        *,
        still: Still | None = None,
    ) -> str:
        """Run a command once in a container like those of a service."""
        if known := await self._find(name, labels):
            return known
        raw = await self._connection.get(f"/services/{like}")
        spec = specs.one_off(raw["Spec"], name, arguments, labels)
        headers = self._logins.headers(specs.image(spec))
        await self._connection.post("/services/create", {}, spec, still, headers)
        if made := await self._find(name, labels):
            return made
        raise SwarmError(f"The service {name} is not there after it was made.")

    async def remove(self, service_id: str, *, still: Still | None = None) -> None:
        """Remove the service; its container is stopped."""
        await remove_service(self._connection, service_id, still)

    async def _find(self, name: str, labels: Mapping[str, str]) -> str:
        """The id of the service of that name, "" for none. A name filter matches prefixes, too."""
        found = await self._connection.list("/services", {"name": [name]})
        same = [each for each in found if each["Spec"]["Name"] == name]
        if same and (same[0]["Spec"].get("Labels") or {}) != dict(labels):
            raise RefusedError(f"There is another service named `{name}`.")
        return str(same[0]["ID"]) if same else ""
