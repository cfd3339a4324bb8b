"""How many lines the messages of jobs and incidents may have, and how many take more rows."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.jobs.verdict import Verdict
from bot.domain.text.message import Message
from bot.views.jobs.plan import CONFIRM_BUTTON
from tests.messages.lines import lines_of, rows_of
from tests.messages.render import markdown
from tests.messages.sample import Topic

WELL, TROUBLE = 6, 12
"""Lines: the headline, each line of text, of a log and of small print, and one for all buttons."""
WELL_BUT_LONGER = {
    "Running: a task has no place": "a task cannot be placed, which is trouble",
    "Running: a task failed once": "a task failed, which is trouble",
    "A command: completed": "the end of its output is what was asked for",
}
"""Messages that may have as many lines as if something were wrong, and why.

So may a deploy while it runs, because each service that changes has a line; ``DEPLOYS`` is their
topic. Plans have no limit: they are read before they are confirmed.
"""
DEPLOYS = "Deploy: jobs"


def limit_of(topic: str, title: str, message: Message) -> int:
    """The lines that a message of a job or an incident may have, 0 for any number."""
    told = message.metadata
    if told is None or not message.blocks or CONFIRM_BUTTON in str(message.blocks):
        return 0
    if told.event_type == "swarm_incident":
        return WELL if told.payload["state"] == "resolved" else TROUBLE
    if told.event_type != "swarm_job":
        return 0
    verdict = told.payload["verdict"]
    good = verdict is None or Verdict(verdict).good
    longer = title in WELL_BUT_LONGER or (topic == DEPLOYS and told.payload["state"] == "running")
    return WELL if good and not longer else TROUBLE


def exceeding(topics: Iterable[Topic]) -> dict[str, tuple[int, int]]:
    """By topic: the messages with more rows than they may have lines, and those with a limit."""
    found = {}
    for topic in topics:
        limits = [
            (limit, rows_of(lines_of(markdown(sample.message))))
            for sample in topic.samples
            if (limit := limit_of(topic.title, sample.title, sample.message))
        ]
        found[topic.title] = sum(rows > limit for limit, rows in limits), len(limits)
    return found
