"""The targets of a job: what is wrong first, then what is under way, then the rest.

A job's message has few lines: the renderings have less and less detail, and the first with few
enough lines is used. ``jobs ID`` shows every target in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.domain.text.message import Block
from bot.views import words
from bot.views.jobs.slots import node_line
from bot.views.jobs.stack import counts_of, is_unchanged, shared_reason, unchanged_line
from bot.views.jobs.target import (
    TargetDetail,
    at,
    change_of,
    detail_of,
    has_images,
    is_failing,
    named,
    seen_count,
    target_lines,
)
from bot.views.slack.blocks import packed
from bot.views.slack.text import bar, plural

BAD, COMING, GOOD = range(3)
MOST_BARE = 8
MOST_BARE_IN_FULL = (60, 20, MOST_BARE)


@dataclass(frozen=True, slots=True)
class Overview:
    """The level of detail: how many targets of each rank have lines of their own.

    ``whole`` is the number of failed ones with more than their first line, ``logs`` of those with
    log lines; if it is 1, those that are well are one line. The rest of a rank is counted.
    ``waiting`` also shows those of which there is nothing to say yet, if there are others.
    """

    detail: TargetDetail
    good: int = 12
    coming: int = 12
    bad: int = 12
    whole: int = 12
    logs: int = 12
    waiting: bool = False


_BRIEF = TargetDetail(slots=1, logs=3, evidence=1000, prose=500)
_FIRST_LINE = TargetDetail(slots=0, logs=0, evidence=0, prose=120)
LEVELS = (
    Overview(TargetDetail(slots=3, logs=5, evidence=2200, prose=600, places=True), waiting=True),
    Overview(TargetDetail(slots=3, logs=5, evidence=2200, prose=600), waiting=True),
    Overview(TargetDetail(slots=3, logs=5, evidence=2200, prose=600)),
    Overview(TargetDetail(slots=3, logs=4, evidence=1500, prose=600), good=3),
    Overview(TargetDetail(slots=2, logs=3, evidence=1200, prose=500), good=2),
    Overview(_BRIEF, good=0),
    Overview(_BRIEF, good=0, coming=5, logs=1),
    Overview(TargetDetail(slots=0, logs=3, evidence=800, prose=400), 0, 3, 4, logs=1),
    Overview(TargetDetail(slots=0, logs=0, evidence=0, prose=300), 0, 3, 6, whole=1, logs=1),
    Overview(TargetDetail(slots=0, logs=0, evidence=0, prose=300), 0, 2, 3),
    Overview(TargetDetail(slots=0, logs=0, evidence=0, prose=120), 0, 1, 2),
)
FULL = (
    TargetDetail(slots=12, logs=1, evidence=2200, prose=600, full=True),
    TargetDetail(slots=12, logs=1, evidence=1000, prose=400, full=True),
    TargetDetail(slots=6, logs=1, evidence=500, prose=300, full=True),
    TargetDetail(slots=3, logs=1, evidence=200, prose=200, full=True),
    TargetDetail(slots=0, logs=0, evidence=0, prose=160),
)


def overviews(job: Job) -> Iterator[list[Block]]:
    """The targets in a job's message, in decreasing detail; the last rendering always fits."""
    if job.state is JobState.QUEUED:
        yield packed([counts_of(job.plan)] if job.plan else [])
        return
    if job.plan and (shared := shared_reason(job)):
        yield packed([counts_of(job.plan), *shared])
        return
    yield from (_overview(job, level) for level in LEVELS)
    yield packed(_bare(job, MOST_BARE))


def all_in_full(job: Job) -> Iterator[list[Block]]:
    """Every target of a job, in decreasing detail; the last rendering always fits.

    Services that a deploy leaves as they are have one line.
    """
    top = [counts_of(job.plan)] if job.plan else []
    if job.state is JobState.QUEUED:
        yield packed(top)
        return
    unchanged = [index for index in range(len(job.targets)) if is_unchanged(job, index)]
    changed = (index for index in range(len(job.targets)) if index not in unchanged)
    order = sorted(changed, key=lambda index: (_rank(job, index), index))
    rest = packed([unchanged_line(job, unchanged)] if unchanged else [])
    for detail in FULL:
        blocks = [packed(target_lines(job, [index], detail)) for index in order]
        yield [*packed(top), *(block for each in blocks for block in each), *rest]
    yield from (packed([*top, *_bare(job, most)]) for most in MOST_BARE_IN_FULL)


def _overview(job: Job, level: Overview) -> list[Block]:
    unchanged = [index for index in range(len(job.targets)) if is_unchanged(job, index)]
    ranked: dict[int, list[list[int]]] = defaultdict(list)
    for group in _equal_ones(job, set(unchanged)):
        ranked[_rank(job, group[0])].append(group)
    well = [*_good(job, ranked[GOOD], level)]
    well += [unchanged_line(job, unchanged)] if unchanged else []
    well += _places(job) if level.detail.places else []
    well = [" · ".join(well)] if level.logs == 1 and well else well
    rest = [*_coming(job, ranked[COMING], level), *well]
    return [*_bad(job, ranked[BAD], level), *packed(rest)]


def _equal_ones(job: Job, without: set[int]) -> list[list[int]]:
    """Targets of which the same is to be said, together."""
    groups: dict[object, list[int]] = defaultdict(list)
    for index in range(len(job.targets)):
        if index not in without:
            groups[_what_is_said(job, index)].append(index)
    return list(groups.values())


def _what_is_said(job: Job, index: int) -> object:
    outcome, progress = at(job.outcomes, index), at(job.progress, index)
    if outcome is not None and outcome.verdict.good and not job.targets[index].is_node:
        return (outcome, change_of(job, index))
    if job.targets[index].is_node or (progress and progress.slots):
        return index
    if outcome is not None:
        return outcome
    if progress is None:
        return None
    return index if progress.counts else progress.phase


def _rank(job: Job, index: int) -> int:
    outcome = at(job.outcomes, index)
    if outcome is None:
        return COMING
    return GOOD if outcome.verdict.good else BAD


def _bad(job: Job, groups: Sequence[list[int]], level: Overview) -> list[Block]:
    """The worst first; those with log lines are the first ``level.logs``."""
    silent = TargetDetail(level.detail.slots, 0, 0, level.detail.prose)
    ordered = sorted(groups, key=lambda group: -_severity(job, group[0]))
    blocks: list[Block] = []
    for place, group in enumerate(ordered[: level.bad]):
        if place >= level.whole:
            blocks += packed(target_lines(job, group, _FIRST_LINE)[:1])
        else:
            detail = level.detail if place < level.logs else silent
            blocks += packed(target_lines(job, group, detail))
    left = [index for group in ordered[level.bad :] for index in group]
    left.sort(key=lambda index: not _has_button(job, index))
    more = f"and {len(left)} more unsuccessful: {named(job, left)} · all in {detail_of(job)}"
    return [*blocks, *packed([more] if left else [])]


def _has_button(job: Job, index: int) -> bool:
    outcome = at(job.outcomes, index)
    return outcome is not None and outcome.can_roll_back


def _coming(job: Job, groups: Sequence[list[int]], level: Overview) -> Iterator[str]:
    """Those with a broken slot first; of these the worst slot is always shown."""
    broken = {group[0]: is_failing(job, group[0]) for group in groups}
    ordered = sorted(groups, key=lambda group: (_waits(job, group[0]), not broken[group[0]]))
    seen = [group for group in ordered if not _waits(job, group[0])] or ordered[:1]
    shown = (ordered if level.waiting else seen)[: level.coming]
    for group in shown:
        least = max(level.detail.slots, broken[group[0]])
        slots = 0 if _waits(job, group[0]) else least
        yield from target_lines(job, group, replace(level.detail, slots=slots))
    if len(shown) < len(seen):
        yield f"and {sum(map(len, ordered[len(shown) :]))} more under way"


def _waits(job: Job, index: int) -> bool:
    """Whether there is nothing to say of a target yet, or only of the node that it leaves."""
    progress = at(job.progress, index)
    if progress is None:
        return True
    is_moved = any(each.is_node for each in job.targets) and not job.targets[index].is_node
    return is_moved and not is_failing(job, index)


def _good(job: Job, groups: Sequence[list[int]], level: Overview) -> Iterator[str]:
    """Those of a deploy are counted until all of them are good."""
    is_over = job.verdict is not None and job.verdict.good
    most = level.good if is_over or not job.plan else 0
    for group in groups[:most]:
        yield from target_lines(job, group, level.detail)
    left = [index for group in groups[most:] for index in group]
    if not left:
        return
    completed = all(_verdict(job, index) is Verdict.COMPLETED for index in left)
    word = "completed" if completed else "converged"
    total = sum(not is_unchanged(job, index) for index in range(len(job.targets)))
    count = f"{len(left)} more" if most else f"{len(left)} of {total}"
    images = is_over and any(has_images(job, index) for index in left)
    where = f" · images: {detail_of(job)}" if images else ""
    yield f"✅ {count} {word}: {named(job, left)}{where}"


def _severity(job: Job, index: int) -> int:
    outcome = at(job.outcomes, index)
    return outcome.verdict.severity if outcome else 0


def _places(job: Job) -> list[str]:
    """The nodes of all services together, once all are good; a deploy has too many."""
    is_over = job.verdict is not None and job.verdict.good
    if not is_over or job.plan or len(job.targets) == 1:
        return []
    seen = [progress for index in job.services_at if (progress := at(job.progress, index))]
    nodes = node_line([slot for progress in seen for slot in progress.slots])
    return [nodes] if nodes else []


def _verdict(job: Job, index: int) -> Verdict | None:
    outcome = at(job.outcomes, index)
    return outcome.verdict if outcome else None


def _bare(job: Job, most: int) -> list[str]:
    """One line for each target, the worst first."""
    order = sorted(range(len(job.targets)), key=lambda index: (_rank(job, index), index))
    lines = []
    for index in order[:most]:
        verdict, seen = _verdict(job, index), seen_count(job, index)
        counted = f"  {bar(*seen)}" if seen else ""
        word = f" · {words.VERDICTS[verdict]}" if verdict else ""
        lines.append(f"{named(job, [index])}{counted}{word}")
    left = len(order) - len(lines)
    return [*lines, f"and {plural(left, 'more service')}"] if left else lines or ["-"]
