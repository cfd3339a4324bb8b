"""Additional facts in a status message, and its small print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.jobs.model import Job
from bot.domain.swarm.health import Alerts
from bot.views.jobs.list import job_line
from bot.views.slack.text import Permalink, duration, line, plural, slack_time, unlinked

LATE_SECONDS = 15.0
MOST_JOBS = 5


@dataclass(frozen=True, slots=True)
class FooterFacts:
    """Facts that are not in the look.

    ``jobs`` are the active jobs, None if Redis does not answer; ``more_jobs`` counts those that
    were not read. ``alerts`` are the causes of
    open incidents by service id. ``feed`` is ``push`` or ``poll``,
    ``feed_lag`` the seconds since it was last complete, ``feed_trouble`` what is wrong with it.
    """

    jobs: tuple[Job, ...] | None = ()
    more_jobs: int = 0
    alerts: Alerts = field(default_factory=dict)
    feed: str = "poll"
    feed_lag: float = 0.0
    feed_trouble: str = ""
    command: str = "/orochi"
    where: Permalink = unlinked


def jobs_text(facts: FooterFacts, jobs: Sequence[Job] | None) -> str:
    """The active jobs, or a note that they are unknown."""
    if jobs is None:
        return "*Jobs:* unknown, Redis does not answer"
    if not jobs:
        return ""
    lines = [job_line(job, facts.where) for job in jobs[:MOST_JOBS]]
    more = len(jobs[MOST_JOBS:]) + facts.more_jobs
    if more:
        lines.append(f"and {plural(more, 'more job')}: `{line(facts.command, 30)} jobs`")
    return "\n".join(["*Jobs under way:*", *lines])


def small_print(facts: FooterFacts, at: float) -> list[str]:
    """The time of the look, and how the bot gets changes."""
    way = "live data" if facts.feed == "push" else "polling"
    said = [f"As of {slack_time(at)} · {way}"]
    if facts.feed_lag > LATE_SECONDS:
        said.append(f"⚠️ Data may be {duration(facts.feed_lag)} old")
    if facts.feed_trouble:
        said.append(f"⚠️ {line(facts.feed_trouble, 200)}")
    return said
