"""A service's log: in a message if short, else as a file with its end in a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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
GREP_LENGTH = 100
TASK_LENGTH = 4
UTC_NOTE = " · UTC"


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

    In a message they are short: ``14:30:05 1 m-01 | text``. Lines of one slot on one node have the
    time only, and the title names the source.
    """

    def __init__(self, service: Service, look: Look, log: ServiceLog, asked: Asked) -> None:
        self.service = service
        self._log = log
        self._asked = asked
        self._slots = {task.id: task.slot for task in look.tasks}
        self._hosts = {node.id: node.hostname for node in look.nodes}
        self._names = ShortNames(look.nodes)
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
        many = plural(self._asked.searched, "line")
        word = "contains" if count == 1 else "contain"
        return f"{count} of the last {many}{back} {word} {quoted(self._asked.grep, GREP_LENGTH)}"

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
        return [
            f"{_clock(each.at)}{f' {ljust(source, wide)} |' if wide else ''} {_cut(each.text)}"
            for source, each in zip(sources, self._log.lines, strict=True)
        ]

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


def _cut(text: str) -> str:
    return shorten(text, LINE_LENGTH)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
