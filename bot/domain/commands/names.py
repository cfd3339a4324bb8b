"""Names as people type them: services, stacks and job ids.

A service is typed short (``worker01``, within the stack that the channel is about), with its stack
(``shop/web``), or by its full name (``shop_web``). One that belongs to no stack has its full name;
``/web`` tells it apart from a service of the stack with that short name. A stack is typed as
``shop/``, or as ``shop`` where no service has that name. What fits more than one is never guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.jobs.model import ID_ALPHABET, ID_LENGTH
from bot.domain.swarm.model import Service

LONGEST_SERVICE_NAME = 63
SERVICE_VALUE = "service:"
"""Prefix of a service's full name in the value of a button that rolls it back."""
MOST_SUGGESTIONS = 3
SLASH = "/"
"""Between a stack and a service, and behind a stack."""
FULL_LIKENESS = 0.8
"""Minimum similarity of full names, which begin with a stack's name."""
LIKENESS = 0.6
"""Minimum similarity for a suggestion: 0 means nothing in common, 1 means equal."""

_SERVICE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_JOB_ID = re.compile(f"[{ID_ALPHABET}]{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class NotFound:
    """The typed name matches no service, or more than one.

    ``typed`` is that name. ``suggestions`` are similar names in the form that people type, best
    match first; ``ambiguous`` means that the typed name matches each of them. ``known`` are the
    names of the services of the stack in which it was looked for, ``stack``.
    """

    typed: str
    suggestions: tuple[str, ...] = ()
    ambiguous: bool = False
    known: tuple[str, ...] = ()
    stack: str = ""


@dataclass(frozen=True, slots=True)
class WholeStack:
    """What was typed means all services of a stack; "" is the whole swarm."""

    stack: str


def is_service_name(text: str) -> bool:
    """Whether the text is a valid service name (swarmkit ``manager/controlapi/common.go``)."""
    return len(text) <= LONGEST_SERVICE_NAME and _SERVICE_NAME.fullmatch(text) is not None


def is_typed_service(text: str) -> bool:
    """Whether the text has the form in which people type a service: ``web``, ``shop/web``."""
    stack, slash, name = text.rpartition(SLASH)
    return is_service_name(name) and (not slash or not stack or is_service_name(stack))


def job_id(typed: str) -> str:
    """The typed job id in lower case without a leading ``#``; empty if it is not a job id.

    Ids of incidents have the same form.
    """
    plain = typed.strip().removeprefix("#").lower()
    return plain if _JOB_ID.fullmatch(plain) else ""


def exact_name(service: Service) -> str:
    """The form that means this service alone, whatever the channel is about."""
    return f"{service.stack}{SLASH}{service.short_name}"


def typed_name(service: Service, stack: str) -> str:
    """The name by which a service is typed in a channel that is about ``stack``."""
    if service.stack == stack or not service.stack:
        return service.short_name
    return f"{service.stack}{SLASH}{service.short_name}"


def short_name(stack: str, full_name: str) -> str:
    """A service's name without its stack's prefix, as people type it."""
    return full_name.removeprefix(f"{stack}_") if stack else full_name


def resolve(typed: str, stack: str, services: Sequence[Service]) -> Service | NotFound:
    """Find the service for a typed name: an exact match first, then one that ignores case.

    ``stack`` is the one that the channel is about, ``services`` are those of all stacks. A name
    that is the short one of a service and the full one of another fits both.
    """
    if SLASH in typed:
        return _within(typed, services)
    own = [each for each in services if each.stack == stack]
    for same in (_equal, _equal_but_for_case):
        full = [each for each in services if same(each.name, typed)]
        short = [each for each in own if same(each.short_name, typed)]
        matches = _distinct([*short, *full])
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = tuple(map(exact_name, matches))
            return NotFound(typed, names, ambiguous=True, known=_known(own), stack=stack)
    return _not_found(typed, stack, services)


def resolve_any(
    typed: str, stack: str, services: Sequence[Service], stacks: Iterable[str] = ()
) -> Service | WholeStack | NotFound:
    """Like ``resolve``, but a name that is no service's may be a stack's.

    ``stacks`` are the names of further stacks, which have no services.
    """
    known = {*(each.stack for each in services if each.stack), *stacks}
    if typed.endswith(SLASH):
        return _stack_of(typed, known) or NotFound(typed, stacks_like(typed, known))
    found, whole = resolve(typed, stack, services), _stack_of(typed, known)
    if isinstance(found, Service):
        if whole is None or found.stack == stack or SLASH in typed:
            return found
        forms = (exact_name(found), f"{whole.stack}{SLASH}")
        return NotFound(typed, forms, ambiguous=True, stack=stack)
    if found.ambiguous or found.suggestions or whole is not None:
        return found if found.ambiguous or whole is None else whole
    return replace(found, suggestions=stacks_like(typed, known))


def _stack_of(typed: str, known: Iterable[str]) -> WholeStack | None:
    name = typed.removesuffix(SLASH)
    for same in (_equal, _equal_but_for_case):
        matches = [each for each in known if same(each, name)]
        if len(matches) == 1:
            return WholeStack(matches[0])
    return None


def stacks_like(typed: str, known: Iterable[str]) -> tuple[str, ...]:
    """The similar stacks, as people type them: ``shop/``."""
    return tuple(f"{each}{SLASH}" for each in alike(typed.removesuffix(SLASH), sorted(known)))


def _within(typed: str, services: Sequence[Service]) -> Service | NotFound:
    """The service for ``shop/web``, or for ``/web``, which has no stack."""
    stack, _, name = typed.partition(SLASH)
    for same in (_equal, _equal_but_for_case):
        own = [each for each in services if same(each.stack, stack)]
        short = [each for each in own if same(each.short_name, name)]
        matches = short or [each for each in own if same(each.name, name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = tuple(map(exact_name, matches))
            return NotFound(typed, names, ambiguous=True, known=_known(own), stack=stack)
    own = [each for each in services if _equal_but_for_case(each.stack, stack)]
    if not own:
        others = alike(stack, sorted({each.stack for each in services if each.stack}))
        return NotFound(typed, tuple(f"{each}{SLASH}{name}" for each in others), stack=stack)
    near = alike(name, [each.short_name for each in own])
    return NotFound(
        typed, tuple(f"{own[0].stack}{SLASH}{each}" for each in near), known=_known(own),
        stack=own[0].stack,
    )  # fmt: skip


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


def _equal(name: str, typed: str) -> bool:
    return name == typed


def _equal_but_for_case(name: str, typed: str) -> bool:
    return name.lower() == typed.lower()


def _distinct(services: Iterable[Service]) -> list[Service]:
    return list({service.id: service for service in services}.values())


def _known(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(sorted(each.short_name for each in services))


def _not_found(typed: str, stack: str, services: Sequence[Service]) -> NotFound:
    """First the services of other stacks with that very short name, then similar names."""
    own = [each for each in services if each.stack == stack]
    others = [each for each in services if each.stack != stack]
    same = [each for each in others if _equal_but_for_case(each.short_name, typed)]
    if same:
        names = tuple(typed_name(each, stack) for each in same)
        return NotFound(typed, names[:MOST_SUGGESTIONS], known=_known(own), stack=stack)
    # With the stack's name in both, any two names would be alike.
    near = alike(short_name(stack, typed), _known(own))
    far = alike(typed, [each.name for each in others], likeness=FULL_LIKENESS)
    found = [each for name in near for each in own if each.short_name == name]
    found += [each for name in far for each in others if each.name == name]
    names = tuple(dict.fromkeys(form_of(each, stack, services) for each in found))
    return NotFound(typed, names[:MOST_SUGGESTIONS], known=_known(own), stack=stack)


def form_of(service: Service, stack: str, services: Sequence[Service]) -> str:
    """The shortest form that means the service in that channel."""
    forms = (typed_name(service, stack), service.name)
    return next((f for f in forms if resolve(f, stack, services) == service), exact_name(service))
