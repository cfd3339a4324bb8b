"""The swarm's root certificate, by which a manager's identity is verified."""

from __future__ import annotations

from bot.domain.errors import NotAManagerError
from bot.swarm.connection import Connection


class EngineTrust:
    """Reads the certificate from the engine; ``base_url`` and ``timeout`` as for ``Connection``.

    The swarm's root certificate may change at any time (``docker swarm ca --rotate``).
    """

    def __init__(self, base_url: str = "", timeout: float = 30.0) -> None:
        self._connection = Connection(base_url, timeout)

    async def __call__(self) -> bytes:
        """The certificates in PEM.

        Raises:
            NotAManagerError: there are none.
            SwarmError: the engine refused or failed.
        """
        swarm = (await self._connection.get("/info")).get("Swarm") or {}
        cluster = swarm.get("Cluster") or {}
        root = str((cluster.get("TLSInfo") or {}).get("TrustRoot") or "")
        if not root:
            raise NotAManagerError(
                "This engine is not a manager of a swarm: it has no control socket.",
                hint="Run the bot on a manager (node.role==manager).",
            )
        return root.encode()

    async def aclose(self) -> None:
        """Close the connections to the engine."""
        self._connection.close()
