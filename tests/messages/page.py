"""The page of messages: every topic with its samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.messages import answers, incidents, jobs, lists, plans, refusals
from tests.messages.render import markdown
from tests.messages.sample import Sample, Topic

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
MODULES = (answers, lists, jobs, plans, incidents, refusals)
INTRO = """\
# Messages

Every kind of message that the bot sends, as a person sees it: rendered from the views with sample
values. Do not edit this page: `python -m tests.messages` writes it, and a test fails while it
differs. Buttons are in brackets. "Notification" is the fallback text, which phones and screen
readers use.
"""


def topics() -> tuple[Topic, ...]:
    """All topics in the page's order."""
    return tuple(topic for module in MODULES for topic in module.topics())


def page() -> str:
    """The whole page."""
    every = topics()
    contents = "\n".join(f"- [{topic.title}](#{_anchor(topic.title)})" for topic in every)
    return "\n".join([INTRO, contents, "", *(_topic(topic) for topic in every)])


def _topic(topic: Topic) -> str:
    parts = [f"## {topic.title}", topic.intro, *_samples(topic.samples)]
    return "\n\n".join(parts) + "\n"


def _samples(samples: tuple[Sample, ...]) -> Iterator[str]:
    for sample in samples:
        yield f"### {sample.title}"
        yield markdown(sample.message)


def _anchor(title: str) -> str:
    """As GitHub makes it of a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
