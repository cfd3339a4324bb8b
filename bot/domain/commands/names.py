"""Names as people type them: services, short or full, and job ids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.jobs.model import ID_ALPHABET, ID_LENGTH
from bot.domain.swarm.model import Service

LONGEST_SERVICE_NAME = 63
SERVICE_VALUE = "service:"
"""Before a service's full name, in the value of a button that rolls it back."""
MOST_SUGGESTIONS = 3
LIKENESS = 0.5
"""How alike two words must be for a suggestion: 0 nothing in common, 1 the same."""

_SERVICE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_JOB_ID = re.compile(f"[{ID_ALPHABET}]{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class NotFound:
    """No service, or more than one, goes by the name that was typed.

    ``typed`` is that name. ``suggestions`` are names that were perhaps meant, as people would type
    them, best first; ``ambiguous`` says that each of them fits. ``known`` are all short names.
    """

    typed: str
    suggestions: tuple[str, ...] = ()
    ambiguous: bool = False
    known: tuple[str, ...] = ()


def is_service_name(text: str) -> bool:
    """Whether a service can have this name (swarmkit ``manager/controlapi/common.go``)."""
    return len(text) <= LONGEST_SERVICE_NAME and _SERVICE_NAME.fullmatch(text) is not None


def job_id(typed: str) -> str:
    """The job id that was meant, lower case and without a leading ``#``; empty when it is none."""
    plain = typed.strip().removeprefix("#").lower()
    return plain if _JOB_ID.fullmatch(plain) else ""


def short_name(stack: str, full_name: str) -> str:
    """A service's name as people type it: without the prefix of its stack."""
    return full_name.removeprefix(f"{stack}_") if stack else full_name


def resolve(typed: str, stack: str, services: Iterable[Service]) -> Service | NotFound:
    """The service that was meant: an exact name first, then one that differs in case alone.

    A full name goes before a short one, and a service of ``stack`` before one of another stack
    (whose services answer to their full names only).
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
            return _not_found(typed, named, tuple(each.name for each in matches))
    return _not_found(typed, named)


def alike(
    typed: str,
    words: Iterable[str],
    count: int = MOST_SUGGESTIONS,
    *,
    likeness: float = LIKENESS,
) -> tuple[str, ...]:
    """Those of ``words`` that look like ``typed``, best first; case makes no difference."""
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
    typed: str, named: Sequence[tuple[str, Service]], fitting: tuple[str, ...] = ()
) -> NotFound:
    shortest = {service.id: name for name, service in named}
    known = tuple(sorted(shortest.values()))
    if fitting:
        return NotFound(typed, fitting, ambiguous=True, known=known)
    shorts = {name: shortest[service.id] for name, service in named}
    suggested = dict.fromkeys(shorts[name] for name in alike(typed, shorts))
    return NotFound(typed, tuple(suggested), known=known)
