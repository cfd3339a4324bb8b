"""A service's log: in a message if short, else as a file with its end in a message."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate

from wcwidth import ljust, width

from bot.domain.operations.node_names import ShortNames
from bot.domain.swarm.model import Look, Service
from bot.domain.swarm.service_log import LogLine, ServiceLog
from bot.domain.text.escaping import escape, one_line
from bot.domain.text.message import Block, Message
from bot.views.slack.blocks import context, section, size
from bot.views.slack.table import BLOCK_LENGTH, code_pages, code_section
from bot.views.slack.text import duration, line, plural, quoted, shorten

WHOLE_BYTES = 9000
"""Maximum size of a log that is shown completely in a message."""
END_BYTES = 4000
"""Maximum size of the shown end of a longer log."""
NAME_LENGTH = 63
SAYS_LENGTH = 600
LINE_LENGTH = 200
"""Longer lines are cut in a message: about five lines on a phone."""
BEFORE_MATCH = 60
"""Characters before the match in a cut line."""
GREP_LENGTH = 100
TASK_LENGTH = 4
UTC_NOTE = " · UTC"
NO_TIME = "no time"
"""For a line whose time could not be read."""
STAMP_LENGTH = 27


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: lines ``since`` seconds ago (0: no limit) that contain ``grep``.

    ``searched`` is how many lines were searched for it.
    """

    since: int = 0
    grep: str = ""
    searched: int = 0


class LogTexts:
    """The lines of a log for people, with their time and source.

    In a message they are short: ``14:30:05 1 m-01 | text``. Lines of another day have its date.
    Lines of one slot on one node have the time only, and the title names the source.
    """

    def __init__(self, service: Service, look: Look, log: ServiceLog, asked: Asked) -> None:
        self.service = service
        self._log = log
        self._asked = asked
        self._slots = {task.id: task.slot for task in look.tasks}
        self._hosts = {node.id: node.hostname for node in look.nodes}
        self._names = ShortNames(look.nodes)
        self._today = _day(look.at)
        self.trouble = log.trouble

    @property
    def title(self) -> str:
        """What the lines are of: ``*orochi_worker01*``, ``*orochi_worker01.1* on m-01``."""
        name, sources = self.service.name, self._sources()
        if len(sources) != 1:
            return f"*{line(name, NAME_LENGTH)}*"
        ((slot, node),) = sources
        place = f" on {line(node, NAME_LENGTH)}" if node else ""
        return f"*{line(f'{name}.{slot}' if slot else name, NAME_LENGTH)}*{place}"

    @property
    def counted(self) -> str:
        """How many lines there are, and which: ``3 log lines from the last 10 min``."""
        back = f" from the last {duration(self._asked.since)}" if self._asked.since else ""
        count = len(self._log.lines)
        if not self._asked.grep:
            return f"{plural(count, 'log line')}{back}"
        grep, searched = quoted(self._asked.grep, GREP_LENGTH), self._asked.searched
        if searched == 1:
            return f"the only line{back} contains {grep}"
        word = "contains" if count == 1 else "contain"
        return f"{count} of the last {searched} lines{back} {word} {grep}"

    @property
    def none(self) -> str:
        """The sentence that says that there are no lines."""
        name = f"*{line(self.service.name, NAME_LENGTH)}*"
        back = f" from the last {duration(self._asked.since)}" if self._asked.since else ""
        if not self._asked.grep or not self._asked.searched:
            return f"No log lines of {name}{back}."
        grep, searched = quoted(self._asked.grep, GREP_LENGTH), self._asked.searched
        if searched == 1:
            return f"The only log line of {name}{back} does not contain {grep}."
        return f"None of the last {searched} log lines of {name}{back} contains {grep}."

    def lines(self) -> list[str]:
        """The lines for a message, long ones cut."""
        sources = [self._place(each) for each in self._log.lines]
        if len(set(sources)) == 1:
            sources = [""] * len(sources)
        wide = max(map(width, sources), default=0)
        times = [_clock(each.at, self._today) for each in self._log.lines]
        long = max(map(len, times), default=0)
        return [
            f"{time:<{long}}{f' {ljust(source, wide)} |' if wide else ''} {self._cut(each.text)}"
            for time, source, each in zip(times, sources, self._log.lines, strict=True)
        ]

    def _cut(self, text: str) -> str:
        if len(text) <= LINE_LENGTH:
            return text
        return _around(text, self._asked.grep.casefold())

    def is_short(self) -> bool:
        """Whether all lines fit into one message without being cut."""
        if any(len(each.text) > LINE_LENGTH for each in self._log.lines):
            return False
        lines = self.lines()
        return sum(map(len, lines)) <= WHOLE_BYTES and size(_code(lines)) <= WHOLE_BYTES

    def file(self) -> bytes:
        """The whole log as a file: each line with its time (UTC), service, slot and node."""
        sources = [self._source(each) for each in self._log.lines]
        wide = max(map(width, sources), default=0)
        return "".join(
            f"{_stamp(each.at)} {ljust(source, wide)} | {each.text}\n"
            for source, each in zip(sources, self._log.lines, strict=True)
        ).encode("utf-8", "replace")

    def _sources(self) -> set[tuple[str, str]]:
        return {(self._slot(each), self._names.of(each.node_id)) for each in self._log.lines}

    def _slot(self, each: LogLine) -> str:
        """The slot, "" for a global service; an unknown task is named by its id."""
        slot = self._slots.get(each.task_id)
        return str(slot) if slot else "" if slot == 0 else each.task_id[:TASK_LENGTH]

    def _place(self, each: LogLine) -> str:
        """``1 m-01``."""
        return one_line(f"{self._slot(each)} {self._names.of(each.node_id)}")

    def _source(self, each: LogLine) -> str:
        """``django.1@photon-machine-01``."""
        slot = self._slot(each)
        place = f".{slot}" if slot else ""
        node = self._hosts.get(each.node_id, each.node_id[:12])
        return one_line(f"{self.service.short_name}{place}@{node}")


def whole_message(texts: LogTexts) -> Message:
    """A short log."""
    lines = texts.lines()
    if not lines:
        return Message(texts.none, (section(texts.none), *_trouble(texts.trouble)))
    title = f"{texts.title}: {texts.counted}"
    return Message(title, (section(f"{title}{UTC_NOTE}"), *_code(lines), *_trouble(texts.trouble)))


def end_message(texts: LogTexts, where: str) -> Message:
    """The end of a longer log; ``where`` says where the whole is, or why it is missing."""
    lines = texts.lines()
    shown = _end(lines)
    while len(shown) > 1 and size(_code(shown)) > END_BYTES:
        shown = shown[max(len(shown) // 8, 1) :]
    cut = len(shown) < len(lines)
    part = f"the last {len(shown)} of {texts.counted}" if cut else f"{texts.counted}, shortened"
    title = f"{texts.title}: {part}"
    said = line(where, SAYS_LENGTH)
    blocks = (section(f"{title}{UTC_NOTE}\n{said}"), *_code(shown), *_trouble(texts.trouble))
    return Message(f"{title}. {said}", blocks)


def _end(lines: Sequence[str]) -> list[str]:
    """As many of the last lines as may fit into a message, at least one."""
    room, count = END_BYTES, 0
    for each in reversed(lines):
        room -= min(len(each), BLOCK_LENGTH) + 1
        if room < 0 and count:
            break
        count += 1
    return list(lines[len(lines) - count :])


def _code(lines: Sequence[str]) -> list[Block]:
    return [code_section(page) for page in code_pages(_shown(lines))]


def _shown(lines: Sequence[str]) -> list[str]:
    """The escaped lines; text beyond a block's limit is not processed."""
    return [escape(each[: BLOCK_LENGTH + 1].replace("`", "'")) for each in lines]


def _trouble(trouble: str) -> list[Block]:
    return [context(f"⚠️ {line(trouble, SAYS_LENGTH)}")] if trouble else []


def _around(text: str, wanted: str) -> str:
    """A long line cut to what is around the first match, in capital or small letters."""
    # Folding may make a text longer: each character's place in the folded text leads back.
    folded = [each.casefold() for each in text]
    found = "".join(folded).find(wanted)
    first = bisect_right([*accumulate(map(len, folded), initial=0)], max(found, 0)) - 1
    if first + len(wanted) < LINE_LENGTH:
        return shorten(text, LINE_LENGTH)
    start = min(first - BEFORE_MATCH, len(text) - LINE_LENGTH + 1)
    return shorten(f"…{text[start:]}", LINE_LENGTH)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _clock(at: float, today: date) -> str:
    """``14:30:05``; with the date before it if that is another day."""
    if at <= 0:
        return NO_TIME
    time, day = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S"), _day(at)
    if day == today:
        return time
    return f"{day:%b} {day.day} {time}" if day.year == today.year else f"{day} {time}"


def _stamp(at: float) -> str:
    if at <= 0:
        return f"{NO_TIME:<{STAMP_LENGTH}}"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
