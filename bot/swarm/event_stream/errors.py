"""Errors of the control socket, worded for the people who run the bot.

SwarmError
├── NoControlSocketError    there is none that the bot may use; polling is the fallback
├── UntrustedError          its server is not a manager of this swarm
├── CursorLostError         it works, but not from that version (bot.domain.swarm.events)
└── SwarmUnavailableError   it does not answer now
"""

from __future__ import annotations

import os
from typing import Final

from bot.domain.errors import SwarmError, SwarmUnavailableError

MOUNT_HINT: Final = (
    "Mount the folder /var/run/docker/swarm of a manager (not the socket in it: the engine makes a "
    "new one at each start), and run the bot as root."
)


class NoControlSocketError(SwarmError):
    """No control socket that the bot may use: not mounted, not root, or a worker's."""


class UntrustedError(SwarmError):
    """The server of the control socket has no certificate of this swarm."""


def from_system(error: OSError, path: str) -> SwarmError:
    """The error for a failed connection to a socket."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NoControlSocketError(
            f"There is no engine control socket at {path}.", hint=MOUNT_HINT
        )
    if isinstance(error, PermissionError):
        return NoControlSocketError(
            f"User {os.getuid()} may not open the engine's control socket at {path}.",
            hint=MOUNT_HINT,
        )
    if isinstance(error, ConnectionRefusedError):
        return SwarmUnavailableError(
            f"The engine does not answer at its control socket {path}.",
            hint="It may be restarting.",
        )
    return SwarmUnavailableError(f"The engine's control socket {path} cannot be used: {error}.")
