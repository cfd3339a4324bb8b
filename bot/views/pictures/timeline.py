"""A picture of a job's course: a row for each slot, a bar for each of its states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.jobs.model import Job
from bot.domain.jobs.timeline import FAILED, GONE, LEAVING, MOST, Moment
from bot.domain.swarm.task_tiles import TaskStanding
from bot.domain.text.figure import Box, Figure, Shape, Stroke, Words
from bot.views.jobs.message import action_text, final_verdict
from bot.views.jobs.target import short
from bot.views.pictures.lettering import fitted, room
from bot.views.pictures.palette import INK, LINE, LOOKS, PALE, PAPER, SHADE
from bot.views.slack.text import duration, plural
from bot.views.words import word

WIDTH, MARGIN, LABELS = 1000, 24, 150
TOP, ROW, SECTION, FOOT = 92, 26, 26, 76
MOST_ROWS = 40
STEPS: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
TICKS = 9
_STANDINGS: Final = {
    TaskStanding.WAITING: "new allocated pending ready",
    TaskStanding.STARTING: "assigned accepted starting",
    TaskStanding.PREPARING: "preparing",
    TaskStanding.RUNNING: "running",
    TaskStanding.COMPLETE: "complete",
    TaskStanding.FAILED: f"{FAILED} rejected orphaned",
    TaskStanding.STOPPING: f"{LEAVING} shutdown remove",
}
_BY_STATE: Final = {state: each for each, words in _STANDINGS.items() for state in words.split()}


@dataclass(frozen=True, slots=True)
class Span:
    """The time range in Unix seconds, and its position in the picture."""

    start: float
    end: float

    def x(self, at: float) -> float:
        """The position of a moment, limited to the range."""
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return MARGIN + LABELS + share * (WIDTH - 2 * MARGIN - LABELS)


@dataclass(frozen=True, slots=True)
class Row:
    """One slot with its moments, in order of time."""

    target: int
    place: str
    moments: tuple[Moment, ...]

    @property
    def failures(self) -> int:
        """The number of its failures."""
        return sum(_standing(moment) is TaskStanding.FAILED for moment in self.moments)


def timeline_picture(job: Job) -> Figure | None:
    """The picture of a job's course, None if no slot was observed."""
    rows = _rows(job.course)
    if not rows:
        return None
    span = _span(job)
    shown = _chosen(rows)
    several = len({row.target for row in shown}) > 1
    shapes: list[Shape] = []
    top, last = float(TOP), -1
    for row in shown:
        if several and row.target != last:
            shapes.append(_section(job, row.target, top))
            top += SECTION
        last = row.target
        shapes += _row(row, top, span)
        top += ROW
    height = round(top) + FOOT
    paper: list[Shape] = [Box(0, 0, WIDTH, height, fill=PAPER), *_title(job, rows, len(shown))]
    ground = [*paper, *_grid(span, top), *_marks(job, span, top)]
    return Figure(WIDTH, height, (*ground, *shapes, *_legend(top)), timeline_summary(job))


def timeline_summary(job: Job) -> str:
    """A sentence that describes the picture."""
    rows = _rows(job.course)
    failures = sum(row.failures for row in rows)
    verdict = final_verdict(job)
    ended = word(verdict) if verdict else "under way"
    failed = plural(failures, "failure") if failures else "no failures"
    end = _end(job)
    took = f" after {duration(max(end - job.created, 0))}" if end is not None else ""
    return f"{action_text(job)}: {ended}{took}; {plural(len(rows), 'slot')}, {failed}"


def _end(job: Job) -> float | None:
    """The time of the present verdict."""
    return job.watched_until if job.revised and job.watched_until else job.finished


def _rows(course: Iterable[Moment]) -> list[Row]:
    found: dict[tuple[int, str], list[Moment]] = {}
    for moment in course:
        found.setdefault((moment.target, moment.place), []).append(moment)
    made = [Row(*key, tuple(moments)) for key, moments in found.items()]
    return sorted(made, key=lambda row: (row.target, *_order(row.place)))


def _order(place: str) -> tuple[int, str]:
    return (int(place), "") if place.isdecimal() else (0, place)


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """As many rows as fit, preferring those with failures, in their order."""
    worst = sorted(rows, key=lambda row: -row.failures)[:MOST_ROWS]
    kept = {(row.target, row.place) for row in worst}
    return [row for row in rows if (row.target, row.place) in kept]


def _span(job: Job) -> Span:
    times = [moment.at for moment in job.course]
    end = max([*times, job.created, _end(job) or 0.0])
    start = min([*times, job.created])
    return Span(start, end + max((end - start) * 0.02, 0.5))


def _title(job: Job, rows: Sequence[Row], shown: int) -> list[Shape]:
    most = WIDTH - 2 * MARGIN
    head, _, tail = timeline_summary(job).rpartition("; ")
    notes = [tail, f"job {job.id}", "times as the bot saw them"]
    if shown < len(rows):
        notes.append(f"{plural(len(rows) - shown, 'slot')} not shown")
    if len(job.course) >= MOST:
        notes.append(f"the first {MOST} changes")
    return [
        Words(MARGIN, 24, fitted(head, 18, most, bold=True), 18, INK, bold=True),
        Words(MARGIN, 47, fitted(" · ".join(notes), 13, most), 13, PALE),
    ]


def _grid(span: Span, bottom: float) -> list[Shape]:
    length = span.end - span.start
    step = next((each for each in STEPS if length / each <= TICKS), length / TICKS)
    shapes: list[Shape] = []
    for number in range(int(length / step) + 1):
        x = span.x(span.start + number * step)
        shapes += [
            Stroke(x, TOP - 4, x, bottom + 4, LINE),
            Words(x, bottom + 14, _seconds(number * step), 11, PALE, align="center"),
        ]
    return shapes


def _seconds(value: float) -> str:
    if value < 120:
        return f"{value:g} s"
    if value < 7200:
        return f"{int(value) // 60}:{int(value) % 60:02}"
    return fitted(f"{value / 3600:.1f} h", 11, 2 * MARGIN)


def _marks(job: Job, span: Span, bottom: float) -> list[Shape]:
    """Markers for the times of the change and of the verdict."""
    applied = [target.applied for target in job.targets if target.applied is not None]
    marks = [(min(applied), "change made")] if applied else []
    if (end := _end(job)) is not None:
        marks.append((end, "verdict"))
    shapes: list[Shape] = []
    for at, said in marks:
        x = span.x(at)
        shapes.append(Stroke(x, TOP - 12, x, bottom + 4, INK, 1.5, dashed=True))
        late = x + room(said, 11) > WIDTH - MARGIN
        align: Literal["left", "right"] = "right" if late else "left"
        shapes.append(Words(x, TOP - 20, said, 11, INK, align=align))
    return shapes


def _section(job: Job, target: int, top: float) -> Shape:
    name = short(job, job.targets[target]) if target < len(job.targets) else "another service"
    text = fitted(name, 13, WIDTH - 2 * MARGIN, bold=True)
    return Words(MARGIN, top + SECTION / 2, text, 13, INK, bold=True)


def _row(row: Row, top: float, span: Span) -> list[Shape]:
    label = f"slot {row.place}" if row.place.isdecimal() else row.place
    middle = top + ROW / 2
    text = fitted(label, 12, LABELS - 10, tail=4)
    left = span.x(span.start)
    shapes: list[Shape] = [
        Box(left, top + 2, span.x(span.end) - left, ROW - 4, SHADE),
        Words(MARGIN, middle, text, 12, INK),
    ]
    ends = [*(moment.at for moment in row.moments[1:]), span.end]
    broke = float("-inf")
    for moment, end in zip(row.moments, ends, strict=True):
        broke = moment.at if _standing(moment) is TaskStanding.FAILED else broke
        shapes += _bar(moment, end, top, span, 14 if broke == moment.at else 5)
    failed = [moment for moment in row.moments if _standing(moment) is TaskStanding.FAILED]
    return [*shapes, *(shape for moment in failed for shape in _cross(moment, middle, span))]


def _bar(moment: Moment, end: float, top: float, span: Span, indent: int) -> list[Shape]:
    left, right = span.x(moment.at), span.x(end)
    if moment.state == GONE or right - left < 0.5:
        return []
    look = LOOKS[_standing(moment)]
    bar = Box(left, top + 3, right - left, ROW - 6, look.fill, look.edge)
    said = (f"{look.word} {_lasted(end - moment.at)}", look.word, look.sign)
    space = right - left - indent - 3
    text = next((each for each in said if room(each, 11) <= space), "")
    return [bar, Words(left + indent, top + ROW / 2, text, 11, INK)] if text else [bar]


def _lasted(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _cross(moment: Moment, middle: float, span: Span) -> list[Shape]:
    look, x = LOOKS[TaskStanding.FAILED], span.x(moment.at)
    return [
        Box(x - 8, middle - 8, 16, 16, look.edge, PAPER),
        Words(x, middle, look.sign, 11, PAPER, bold=True, align="center"),
    ]


def _standing(moment: Moment) -> TaskStanding:
    return _BY_STATE.get(moment.state, TaskStanding.UNKNOWN)


def _legend(bottom: float) -> list[Shape]:
    shapes: list[Shape] = []
    left, middle = float(MARGIN), bottom + 50
    for standing in _STANDINGS:
        look = LOOKS[standing]
        shapes += [
            Box(left, middle - 9, 18, 18, look.fill, look.edge),
            Words(left + 9, middle, look.sign, 11, INK, align="center"),
            Words(left + 24, middle, look.word, 12, PALE),
        ]
        left += 44 + room(look.word, 12)
    return shapes
