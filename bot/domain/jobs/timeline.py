"""The course of a job: the state changes of each slot, as the bot observed them.

Stored with the job for its picture. A state that lasts for less than the time between two looks may
be missing; failures are not, because they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.domain.jobs.progress import ServiceProgress, SlotProgress

MOST: Final = 240
"""Maximum moments of a job: about 15 KB of its record. Later ones are dropped."""
FAILED, LEAVING, GONE = "failed", "leaving", "gone"


@dataclass(frozen=True, slots=True)
class Moment:
    """A state change of a slot.

    ``target`` is the index of its service in the job's targets, ``place`` is the slot
    (``SlotProgress.place``). ``state`` is Docker's name, or ``leaving`` for a container that is
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
    """The course with the changes between two progresses of a service, at ``at``."""
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
