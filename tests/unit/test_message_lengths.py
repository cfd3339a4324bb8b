"""The messages of jobs and alerts are short enough for a phone."""

from __future__ import annotations

import pytest

from bot.domain.jobs.verdict import Verdict
from bot.domain.text.message import Message
from bot.views.jobs.plan import CONFIRM_BUTTON
from tests.messages.lines import BUTTONS, lines_of, rows_of, sections_of
from tests.messages.page import topics
from tests.messages.render import markdown

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
EACH = [(topic.title, sample) for topic in topics() for sample in topic.samples]


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


LIMITED = [
    pytest.param(sample.message, limit, id=f"{topic}: {sample.title}")
    for topic, sample in EACH
    if (limit := limit_of(topic, sample.title, sample.message))
]


@pytest.mark.parametrize(("message", "limit"), LIMITED)
def test_a_message_has_few_lines(message: Message, limit: int) -> None:
    lines = lines_of(markdown(message))

    assert len(lines) <= limit, "\n".join([f"{len(lines)} of at most {limit} lines:", *lines])


def test_every_kind_of_job_and_alert_has_a_limit() -> None:
    assert len(LIMITED) > 150


def test_each_exception_is_a_message_that_exists() -> None:
    assert set(WELL_BUT_LONGER) <= {sample.title for _, sample in EACH}


def test_lines_are_counted_as_a_phone_shows_them() -> None:
    page = """# Messages

## Topic

Intro

### Title

> ### ❌ Failed: a\\*b
>
> **web** is `down`\\
> &emsp;• see [its log](https://example.com/x)
>
> ```text
> > one
> ```
>
> <sub>@Ann</sub>
>
> [Logs] **[Stop]**\\
> <sub>[Stop] asks: **Stop?** It stops. [Yes] [No]</sub>

Notification: Failed
"""
    ((topic, title, message),) = sections_of(page)
    lines = lines_of(message)

    assert (topic, title) == ("Topic", "Title")
    assert lines == ["❌ Failed: a*b", "web is down", "• see its log", "> one", "@Ann", BUTTONS]
    assert rows_of([*lines, "x" * 46, ""]) == 6 + 2 + 1
