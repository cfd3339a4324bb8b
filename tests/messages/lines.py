"""The lines of a message on the page of messages, as a phone shows them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator

COLUMNS = 45
"""Characters in a line of a phone that is 390 pixels wide."""
BUTTONS = "[ … ]"
"""The line that stands for all buttons."""
_QUESTION = re.compile(r"<sub>.* asks: \*\*.*")
_BUTTON = re.compile(r"(\*\*)?\[[^\[\]]+\](?!\()")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"\*\*|`+|</?sub>|\\(?=[*`\\])|\\$")


def lines_of(message: str) -> list[str]:
    """The lines of one message of the page, without its notification.

    A heading, a line of text, of a log and of small print are a line each, all buttons are one;
    what a button asks is hidden until it is pressed.
    """
    return list(_lines(message))


def rows_of(lines: list[str]) -> int:
    """How many rows these lines take where they are wrapped."""
    return sum(max(math.ceil(len(line) / COLUMNS), 1) for line in lines)


def sections_of(page: str) -> Iterator[tuple[str, str, str]]:
    """The topic, the title and the message of each sample on the page."""
    for topic in page.split("\n## ")[1:]:
        title, _, rest = topic.partition("\n")
        for sample in rest.split("\n### ")[1:]:
            name, _, message = sample.partition("\n")
            yield title, name, message


def _lines(message: str) -> Iterator[str]:
    in_log = has_buttons = False
    for quoted in message.split("\n"):
        line = quoted.removeprefix("> ")
        if not quoted.startswith(">") or line == ">":
            continue
        if line.startswith("```") and (in_log or line == "```text"):
            in_log = not in_log
        elif in_log:
            yield line
        elif _BUTTON.match(line):
            if not has_buttons:
                yield BUTTONS
            has_buttons = True
        elif not _QUESTION.match(line):
            yield _shown(line)


def _shown(line: str) -> str:
    text = _LINK.sub(r"\1", line.removeprefix("### ")).replace("&emsp;", "  ")
    return html.unescape(_MARKS.sub("", text)).strip()
