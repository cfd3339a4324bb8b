"""Why a control socket cannot be used, in words for the people who run the bot.

SwarmError
├── NoControlSocketError    there is none that the bot may use; polling is the way out
├── UntrustedError          who serves it is no manager of this swarm
├── CursorLostError         it works, but not from that version (bot.domain.swarm.events)
└── SwarmUnavailableError   it does not answer now
"""

from __future__ import annotations

import os
from typing import Final

from bot.domain.errors import SwarmError, SwarmUnavailableError

MOUNT_HINT: Final = (
    "Mount the folder /var/run/docker/swarm of a manager, not the socket in it, which is made "
    "anew at each start of the engine; and run the bot as root."
)


class NoControlSocketError(SwarmError):
    """There is no control socket that the bot may use: not mounted, not root, or a worker's."""


class UntrustedError(SwarmError):
    """Who serves the control socket has no certificate of this swarm."""


def from_system(error: OSError, path: str) -> SwarmError:
    """Why a socket could not be connected to."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NoControlSocketError(
            f"There is no control socket of the engine at {path}.", hint=MOUNT_HINT
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
