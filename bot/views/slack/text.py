"""Text helpers: escaping, cutting, times and numbers for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol

from bot.domain.text.amounts import MOST_TIME, age, duration, plural
from bot.domain.text.escaping import MOST_CUT, escape, fit, one_line, quoted, shorten, visible

__all__ = [
    "Addressed",
    "Permalink",
    "address",
    "age",
    "bar",
    "code_block",
    "duration",
    "escape",
    "fit",
    "id_link",
    "line",
    "link",
    "mention",
    "plain",
    "plural",
    "quoted",
    "shorten",
    "slack_date",
    "slack_time",
    "unlinked",
    "visible",
]

BAR_LENGTH = 10
FULL, EMPTY = "▰", "▱"
FENCE = "```"
ID_LENGTH = 20


class Permalink(Protocol):
    """Gives the address of a message, "" if it is not known."""

    def __call__(self, channel: str, ts: str, thread: str = "", /) -> str:
        """The address of the message ``ts``; ``thread`` is the ts of the thread that it is in."""


"""The address of a message by its channel and ts, and its thread's ts; "" if it is unknown."""

_WIDE = str.maketrans("<>", "\uff1c\uff1e")
_ID = re.compile(r"[A-Z0-9]{1,30}")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,1000}")


class Addressed(Protocol):
    """What has a message, such as a job."""

    @property
    def channel(self) -> str:
        """The channel's id."""

    @property
    def message(self) -> str:
        """The message's ts."""

    @property
    def thread(self) -> str:
        """The ts of the thread that it is in, "" for none."""


def address(where: Permalink, named: Addressed) -> str:
    """The address of a job's message."""
    if named.thread:
        return where(named.channel, named.message, named.thread)
    return where(named.channel, named.message)


def line(text: str, length: int) -> str:
    """``text`` as one line, escaped, at most ``length`` characters."""
    return fit(one_line(text[: MOST_CUT * length]), length)


def plain(text: str, length: int) -> str:
    """``text`` for Slack's plain-text objects, which have no escapes: one line.

    ``<>`` are in their full-width forms, which commands accept as the same.
    """
    return shorten(one_line(text).translate(_WIDE), length)


def code_block(text: str, length: int, most: int = 0) -> str:
    """The last lines of ``text`` that fit, escaped, in a code block of at most ``length``.

    ``most`` is the number of lines, 0 for any. Empty if there is nothing to show.
    """
    lines = visible(text[-MOST_CUT * length :]).replace(FENCE, "'''").strip("\n").split("\n")
    room = length - 2 * len(FENCE) - 2
    kept: list[str] = []
    for each in reversed(lines[-most:]):
        shown = escape(each.rstrip())
        room -= len(shown) + 1
        if room < 0:
            break
        kept.append(shown)
    if not kept and lines[-1].strip():
        kept = [fit(lines[-1].strip(), max(length - 2 * len(FENCE) - 2, 1))]
    body = "\n".join(reversed(kept))
    return f"{FENCE}\n{body}\n{FENCE}" if body.strip() else ""


def mention(user: str) -> str:
    """A Slack user id as a mention, "" as the bot itself; any other text unchanged."""
    return f"<@{user}>" if _ID.fullmatch(user) else line(user, 40) or "the bot"


def link(url: str, label: str) -> str:
    """A link; only the label if the address cannot be opened in a browser."""
    address = url.replace("&", "&amp;")
    return f"<{address}|{line(label, 100)}>" if _URL.fullmatch(url) else line(label, 100)


def unlinked(_channel: str, _ts: str, _thread: str = "") -> str:
    """No address of a message is known."""
    return ""


def id_link(shown: str, url: str) -> str:
    """An id as a link to its message, as code if the address is unknown."""
    return link(url, shown[:ID_LENGTH]) if _URL.fullmatch(url) else f"`{line(shown, ID_LENGTH)}`"


def slack_date(at: float) -> str:
    """A date and time (from Unix seconds) in each reader's time zone; UTC as the fallback."""
    return _date(at, "{date_short_pretty} {time}", "%Y-%m-%d %H:%M UTC")


def slack_time(at: float) -> str:
    """A time of today (from Unix seconds) with seconds, in each reader's time zone."""
    return _date(at, "{time_secs}", "%H:%M:%S UTC")


def _date(at: float, shown: str, fallback: str) -> str:
    if not 0 <= at < MOST_TIME:
        return "an unknown time"
    return f"<!date^{int(at)}^{shown}|{datetime.fromtimestamp(at, UTC).strftime(fallback)}>"


def bar(running: int, desired: int) -> str:
    """``▰▰▰▱▱ 3/5``: one mark for each replica up to ten, for more a tenth of them each."""
    length = min(max(desired, running, 0), BAR_LENGTH)
    most = max(desired, running, 1)
    full = length if running >= most else max(running, 0) * length // most
    marks = FULL * full + EMPTY * (length - full)
    return f"{marks} {running}/{desired}".strip()
