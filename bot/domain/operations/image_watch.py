"""Labels by which a service asks for notices of newer images, or for their roll-out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from bot.domain.jobs.deploy_plan import PlanAction
from bot.domain.jobs.model import Job
from bot.domain.operations.image_change import short_digest
from bot.domain.operations.image_list import ServiceImage, Standing
from bot.domain.swarm.model import Service

WATCH_LABEL: Final = "orochi-bot.watch-image"
WINDOW_LABEL: Final = "orochi-bot.update-window"

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?"
    r"(?P<begin>\d\d):(?P<begin_minute>\d\d)-(?P<end>\d\d):(?P<end_minute>\d\d)"
)
_DAY_MINUTES: Final = 24 * 60


class Wish(Enum):
    """What the label of a service asks for."""

    NOTIFY = "notify"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Window:
    """When updates may begin, in UTC: from ``begin`` up to ``end``, minutes of the day.

    ``days`` are those on which it begins, 0 for Monday; it may end on the next day.
    """

    days: frozenset[int]
    begin: int
    end: int

    def has(self, now: float) -> bool:
        """Whether ``now`` (Unix seconds) is within it."""
        moment = datetime.fromtimestamp(now, UTC)
        day, minute = moment.weekday(), moment.hour * 60 + moment.minute
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        if minute >= self.begin:
            return day in self.days
        return (day - 1) % 7 in self.days and minute < self.end


ALWAYS: Final = Window(frozenset(range(7)), 0, _DAY_MINUTES)


def wish_of(service: Service) -> Wish | None:
    """What the service's label asks for; None for nothing, and for what is not valid."""
    try:
        return Wish(service.labels.get(WATCH_LABEL, "").strip().lower())
    except ValueError:
        return None


def read_window(text: str) -> Window | None:
    """``02:00-04:30``, ``sat 22:00-02:00`` or ``mon-fri 04:00-05:00``; None if it is none of these.

    "" is always.
    """
    found = _WINDOW.fullmatch(" ".join(text.lower().split()))
    if not text.strip():
        return ALWAYS
    if found is None:
        return None
    days = _days(found["first"], found["last"])
    begin, end = (
        _minute(int(found[name]), int(found[f"{name}_minute"])) for name in ("begin", "end")
    )
    if days is None or begin is None or end is None or begin in {end, _DAY_MINUTES}:
        return None
    return Window(days, begin, end)


def label_flaws(service: Service) -> tuple[str, ...]:
    """What is wrong with the labels of a service, as sentences."""
    flaws = []
    asked, window = (service.labels.get(label, "").strip() for label in (WATCH_LABEL, WINDOW_LABEL))
    if asked and wish_of(service) is None:
        flaws.append(f"its label `{WATCH_LABEL}` is neither `notify` nor `update`")
    if window and read_window(window) is None:
        flaws.append(f"its label `{WINDOW_LABEL}` is not like `sat 02:00-04:00` (UTC)")
    return tuple(flaws)


def tried(jobs: Iterable[Job]) -> frozenset[tuple[str, str]]:
    """The pairs of service id and digest (its first digits) that these jobs were to set.

    Whether they were refused, or the swarm has rolled them back since: none is tried again. Of a
    deploy, only what was confirmed and begun counts.
    """
    return frozenset(
        (service, digest)
        for job in jobs
        for service, image in _images_of(job)
        if service and (digest := short_digest(image))
    )


def _images_of(job: Job) -> Iterator[tuple[str, str]]:
    yield from ((each.service_id, each.image) for each in job.targets)
    if job.plan is not None and job.begun:
        changed = (each for each in job.plan.services if each.action is PlanAction.UPDATE)
        yield from ((each.id, each.image) for each in changed)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about one newer image."""

    row: ServiceImage
    wish: Wish


def due(
    rows: Iterable[ServiceImage],
    told: Collection[tuple[str, str]],
    now: float,
    *,
    troubled: Collection[str] = (),
) -> tuple[Due, ...]:
    """Which newer images are to be told, or rolled out, at ``now`` (Unix seconds).

    ``told`` are the pairs of service id and digest (its first digits) that were told or begun,
    ``troubled`` the ids of services with an open incident or a job. Those are updated later.
    """
    found = (Due(row, wish) for row in rows if (wish := wish_of(row.service)) is not None)
    return tuple(
        each
        for each in found
        if each.row.standing is Standing.NEWER
        and (each.row.service.id, each.row.newest) not in told
        and (each.wish is Wish.NOTIFY or _may_begin(each.row.service, now, troubled))
    )


def _may_begin(service: Service, now: float, troubled: Collection[str]) -> bool:
    window = read_window(service.labels.get(WINDOW_LABEL, ""))
    return window is not None and window.has(now) and service.id not in troubled


def _days(first: str | None, last: str | None) -> frozenset[int] | None:
    if first is None:
        return ALWAYS.days
    if first not in _DAYS or (last or first) not in _DAYS:
        return None
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return frozenset((begin + each) % 7 for each in range((end - begin) % 7 + 1))


def _minute(hour: int, minute: int) -> int | None:
    """The minute of the day; 24:00 is its end."""
    found = hour * 60 + minute
    return found if minute < 60 and found <= _DAY_MINUTES else None
