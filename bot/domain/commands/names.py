"""Names as people type them: services (short or full) and job ids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.jobs.model import ID_ALPHABET, ID_LENGTH
from bot.domain.swarm.model import Service

LONGEST_SERVICE_NAME = 63
SERVICE_VALUE = "service:"
"""Prefix of a service's full name in the value of a button that rolls it back."""
MOST_SUGGESTIONS = 3
LIKENESS = 0.6
"""Minimum similarity for a suggestion: 0 means nothing in common, 1 means equal."""

_SERVICE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_JOB_ID = re.compile(f"[{ID_ALPHABET}]{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class NotFound:
    """The typed name matches no service, or more than one.

    ``typed`` is that name. ``suggestions`` are similar names in the form that people type, best
    match first; ``ambiguous`` means that the typed name matches each of them. ``known`` are all
    short names.
    """

    typed: str
    suggestions: tuple[str, ...] = ()
    ambiguous: bool = False
    known: tuple[str, ...] = ()


def is_service_name(text: str) -> bool:
    """Whether the text is a valid service name (swarmkit ``manager/controlapi/common.go``)."""
    return len(text) <= LONGEST_SERVICE_NAME and _SERVICE_NAME.fullmatch(text) is not None


def job_id(typed: str) -> str:
    """The typed job id in lower case without a leading ``#``; empty if it is not a job id."""
    plain = typed.strip().removeprefix("#").lower()
    return plain if _JOB_ID.fullmatch(plain) else ""


def short_name(stack: str, full_name: str) -> str:
    """A service's name without its stack's prefix, as people type it."""
    return full_name.removeprefix(f"{stack}_") if stack else full_name


def resolve(typed: str, stack: str, services: Iterable[Service]) -> Service | NotFound:
    """Find the service for a typed name: an exact match first, then one that ignores case.

    Full names take precedence over short names, and services of ``stack`` over those of other
    stacks (which are found by their full names only).
    """
    named = [(name, service) for service in services for name in _names(service, stack)]
    for matches in (
        _distinct(service for name, service in named if name == typed),
        _distinct(service for name, service in named if name.lower() == typed.lower()),
    ):
        full = [each for each in matches if each.name.lower() == typed.lower()]
        if len(matches) == 1 or len(full) == 1:
            return full[0] if len(full) == 1 else matches[0]
        if matches:
            return _not_found(typed, stack, named, tuple(each.name for each in matches))
    return _not_found(typed, stack, named)


def alike(
    typed: str,
    words: Iterable[str],
    count: int = MOST_SUGGESTIONS,
    *,
    likeness: float = LIKENESS,
) -> tuple[str, ...]:
    """The ``words`` similar to ``typed``, best match first; case is ignored."""
    by_lower = {word.lower(): word for word in words}
    close = difflib.get_close_matches(
        typed.lower()[:LONGEST_SERVICE_NAME], list(by_lower), n=count, cutoff=likeness
    )
    return tuple(by_lower[word] for word in close)


def _names(service: Service, stack: str) -> tuple[str, ...]:
    short = short_name(stack, service.name)
    return (service.name,) if short == service.name else (service.name, short)


def _distinct(services: Iterable[Service]) -> list[Service]:
    return list({service.id: service for service in services}.values())


def _not_found(
    typed: str,
    stack: str,
    named: Sequence[tuple[str, Service]],
    fitting: tuple[str, ...] = (),
) -> NotFound:
    shortest = {service.id: name for name, service in named}
    known = tuple(sorted(shortest.values()))
    if fitting:
        return NotFound(typed, fitting, ambiguous=True, known=known)
    # With the stack's name in both, any two names would be alike.
    return NotFound(typed, alike(short_name(stack, typed), known), known=known)
