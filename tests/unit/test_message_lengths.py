"""The messages of jobs and alerts are short enough for a phone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.text.message import Message, Metadata
from bot.views.slack.blocks import header
from tests.messages.limits import WELL, WELL_BUT_LONGER, exceeding, limit_of
from tests.messages.lines import BUTTONS, COLUMNS, lines_of, rows_of, sections_of
from tests.messages.page import topics
from tests.messages.render import markdown
from tests.messages.sample import Sample, Topic

EACH = [(topic.title, sample) for topic in topics() for sample in topic.samples]


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


def test_messages_that_take_more_rows_than_their_limit_are_counted() -> None:
    told = Metadata("swarm_incident", {"state": "resolved"})
    short, long = (
        Sample(title, Message("", (header(title),), told)) for title in ("x", "x" * COLUMNS * WELL)
    )
    longer = replace(long, message=replace(long.message, blocks=long.message.blocks * 2))
    free = Sample("free", Message("x" * 1000))

    assert exceeding([Topic("Incidents", "", (short, long, longer, free))]) == {"Incidents": (1, 3)}
