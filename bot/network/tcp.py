"""TCP checks: ``bot.ports.engine.Reachability`` on this machine's network."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Final

from bot.domain.swarm.reachability import Reach

SECONDS: Final = 2.0
AT_ONCE: Final = 16


class TcpReachability:
    """Connects and closes immediately; sends nothing. The time limit is ``seconds``."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._room = asyncio.Semaphore(AT_ONCE)

    async def tcp(self, host: str, port: int) -> Reach:
        """Try to connect for a few seconds. Raises nothing."""
        if not host:
            return Reach.UNRESOLVED
        async with self._room:
            try:
                async with asyncio.timeout(self._seconds):
                    _, writer = await asyncio.open_connection(host, port)
            except TimeoutError:
                return Reach.SILENT
            except (socket.gaierror, UnicodeError, ValueError):
                return Reach.UNRESOLVED
            except ConnectionRefusedError:
                return Reach.REFUSES
            except OSError:
                return Reach.UNREACHABLE
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return Reach.ANSWERS
