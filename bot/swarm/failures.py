"""Translates errors of the docker SDK, requests and the engine into the bot's errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from docker.errors import DockerException
from requests.exceptions import HTTPError, RequestException, Timeout
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import TimeoutError as TransportTimeout

from bot.domain.errors import (
    NotAManagerError,
    NotFoundError,
    OutOfSequenceError,
    SwarmError,
    SwarmUnavailableError,
)

CLIENT_ERRORS: Final = (DockerException, RequestException, TransportError, OSError, ValueError)
"""All errors that a call through the SDK may raise; a broken answer results in ValueError."""

API_PATHS: Final = (
    *("/_ping", "/info", "/swarm", "/services", "/tasks", "/nodes", "/networks", "/configs"),
    *("/secrets", "/volumes", "/containers", "/distribution", "/auth"),
)
"""What the bot and the docker CLI call, without the API's version."""

_OUT_OF_SEQUENCE: Final = "update out of sequence"
_NOT_A_MANAGER: Final = ("not a swarm manager", "not part of a swarm")
_NO_LEADER: Final = (
    "does not have a leader",
    "no elected primary",
    "leadership",
    "context deadline exceeded",
    "code = unavailable",
    "code = deadlineexceeded",
    "raft: proposal dropped",
)
_WRONG_VERSION: Final = ("client version", "api version")
_LONGEST: Final = 400


def translate(error: BaseException, host: str, seconds: float) -> SwarmError:
    """The bot's error for one of ``CLIENT_ERRORS``; ``host`` is the engine's address."""
    if speaks_another_version(error):
        return SwarmUnavailableError(
            f"The Docker engine at {host} was replaced by one with other API versions.",
            hint="Try again.",
        )
    if isinstance(error, HTTPError) and error.response is not None:
        return _from_answer(error.response.status_code, words(error))
    known = next(filter(None, map(_system, _chain(error))), None)
    if known is not None:
        sentence, hint = known
        return SwarmUnavailableError(
            f"The Docker engine at {host} {sentence.format(user=_who())}.", hint=hint
        )
    if any(isinstance(cause, Timeout | TransportTimeout | TimeoutError) for cause in _chain(error)):
        return SwarmUnavailableError(
            f"The Docker engine at {host} did not answer within {seconds:g} s.",
            hint="The swarm may be electing a leader. Try again in half a minute.",
        )
    if isinstance(error, RequestException | TransportError | OSError):
        return SwarmUnavailableError(
            f"The Docker engine at {host} cannot be reached: {_cut(str(error))}."
        )
    return SwarmError(f"The Docker engine at {host} cannot be used: {_cut(str(error))}.")


def words(error: HTTPError) -> str:
    """The engine's own message in an HTTP error."""
    explanation = getattr(error, "explanation", None)
    if explanation:
        return _cut(str(explanation))
    if error.response is None:
        return _cut(str(error))
    try:
        return _cut(str(error.response.json()["message"]))
    except (ValueError, KeyError, TypeError):
        return _cut(error.response.text or error.response.reason or "")


def speaks_another_version(error: BaseException) -> bool:
    """Whether the engine refused the API version, because it was replaced by another version."""
    if not isinstance(error, HTTPError) or error.response is None:
        return False
    text = words(error).lower()
    return error.response.status_code == 400 and all(word in text for word in _WRONG_VERSION)


def lost_connection(error: BaseException) -> bool:
    """Whether there was no connection to the engine, or it ended before the answer."""
    return any(isinstance(cause, ConnectionError) for cause in _chain(error))


def was_refused(error: BaseException) -> bool:
    """Whether nothing listens there; else the engine may just have closed an idle connection."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _chain(error))


def _from_answer(status: int, message: str) -> SwarmError:
    text = message.lower()
    if _OUT_OF_SEQUENCE in text:
        return OutOfSequenceError("Someone else changed the service at the same time.")
    if any(phrase in text for phrase in _NOT_A_MANAGER):
        return NotAManagerError(
            "This engine is not a manager of a swarm.",
            hint="Point DOCKER_HOST at a manager, or run the bot on one.",
        )
    if status == 404:
        return NotFoundError(f"The engine says: {message}.")
    if any(phrase in text for phrase in _NO_LEADER):
        return SwarmUnavailableError(
            f"The swarm's managers cannot act now: {message}.",
            hint="More than half of the managers must be up and reach each other.",
        )
    if status == 403:
        return SwarmError(
            f"The engine does not allow this call: {message}.",
            hint=f"A socket proxy must allow {', '.join(API_PATHS)}.",
        )
    return SwarmError(f"The engine says: {message}.")


def _who() -> str:
    groups = ", ".join(map(str, sorted({os.getgid(), *os.getgroups()})))
    return f"user {os.getuid()} (groups {groups})"


_SYSTEM: Final[dict[type[OSError], tuple[str, str]]] = {
    FileNotFoundError: (
        "cannot be reached: there is no such socket",
        "Mount the engine's socket into the container, or set DOCKER_HOST.",
    ),
    PermissionError: (
        "cannot be reached: {user} may not open the socket",
        "Run the bot as root or in the group that owns the socket.",
    ),
    ConnectionRefusedError: (
        "is not running: it refuses connections",
        "Start the engine on that machine.",
    ),
    ConnectionError: (
        "closed the connection: it may be restarting",
        "Try again in a few seconds.",
    ),
}


def _system(error: BaseException) -> tuple[str, str] | None:
    """The sentence for an error of the operating system, None if it has none."""
    return next((said for kind, said in _SYSTEM.items() if isinstance(error, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error with all its causes; urllib3 keeps them in the arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        parts = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting.extend(part for part in parts if isinstance(part, BaseException))


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
