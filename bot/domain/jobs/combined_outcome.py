"""Combines the outcomes of a job's services into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.text.amounts import plural

_SAID_OF_ALL: Final = frozenset({Verdict.CANCELLED, Verdict.REFUSED})
"""If nothing is worse, the others were not changed or are no longer watched, which is no news."""


def stack_outcome(stack: str, names: Sequence[str], outcomes: Sequence[Outcome]) -> Outcome:
    """The worst outcome, with the service's name before its reason; of equally bad ones, the first.

    ``names`` are the services' full names in the order of ``outcomes``, which has at least one. If
    all outcomes are equal, no name is added.
    """
    at = max(range(len(outcomes)), key=lambda index: (outcomes[index].verdict.severity, -index))
    worst = outcomes[at]
    if all(outcome == worst for outcome in outcomes):
        return worst
    counted = replace(
        worst,
        running=sum(outcome.running for outcome in outcomes),
        desired=sum(outcome.desired for outcome in outcomes),
        provisional=any(outcome.provisional for outcome in outcomes),
    )
    if worst.verdict.good:
        return replace(counted, reason=_all_well(outcomes))
    name = names[at].removeprefix(f"{stack}_")
    more = sum(1 for outcome in outcomes if not outcome.verdict.good) - 1
    more = 0 if worst.verdict in _SAID_OF_ALL else more
    rest = f"{plural(more, 'other service')} {'is' if more == 1 else 'are'} not as planned."
    others = f" {rest}" if more else ""
    named = worst.reason if f"`{name}`" in worst.reason else f"{name}: {worst.reason}"
    return replace(counted, reason=f"{named}{others}")


def _all_well(outcomes: Sequence[Outcome]) -> str:
    ended = sum(1 for outcome in outcomes if outcome.verdict is Verdict.COMPLETED)
    done = f", {ended} of them completed" if ended else ""
    return f"All {len(outcomes)} services are as planned{done}."
