"""The course of a job: when each slot came into which state, as the bot saw it.

Kept with the job for the picture of it. Looks are short apart, so a state that lasts for less than
that may be missing; a failure is not, as failures are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.domain.jobs.progress import ServiceProgress, SlotProgress

MOST: Final = 240
"""Moments that a job keeps: about 15 KB of its record. What comes later is not noted."""
FAILED, LEAVING, GONE = "failed", "leaving", "gone"


@dataclass(frozen=True, slots=True)
class Moment:
    """A slot came into a state.

    ``target`` is the place of its service among the job's targets, ``place`` that of the slot
    (``SlotProgress.place``). ``state`` is Docker's word, or ``leaving`` for a container that is
    being stopped, or ``gone``. ``at`` is Unix seconds of the bot's clock.
    """

    target: int
    place: str
    state: str
    at: float


def extended(
    course: tuple[Moment, ...],
    target: int,
    before: ServiceProgress | None,
    after: ServiceProgress,
    at: float,
) -> tuple[Moment, ...]:
    """The course with what is new in a service's progress at ``at``."""
    if len(course) >= MOST:
        return course
    known = {slot.place: slot for slot in before.slots} if before else {}
    news = [
        Moment(target, slot.place, state, round(at, 2))
        for slot in after.slots
        for state in _states(known.get(slot.place), slot)
    ]
    left = {slot.place for slot in after.slots}
    if after.slots:
        news += [Moment(target, place, GONE, round(at, 2)) for place in known if place not in left]
    return (*course, *news)[:MOST]


def _states(before: SlotProgress | None, after: SlotProgress) -> Iterator[str]:
    unseen = after.failures - (before.failures if before else 0)
    now = LEAVING if after.leaving else after.state
    then = (LEAVING if before.leaving else before.state) if before else ""
    yield from [FAILED] * (unseen - 1 if now == FAILED else unseen)
    if now != then or unseen > 0:
        yield now
