"""A service's log: in a message if short, else as a file with its end in a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from wcwidth import ljust, width

from bot.domain.swarm.model import Look, Service
from bot.domain.swarm.service_log import LogLine, ServiceLog
from bot.domain.text.escaping import escape, one_line
from bot.domain.text.message import Block, Message
from bot.views.slack.blocks import context, section, size
from bot.views.slack.table import BLOCK_LENGTH, code_pages, code_section
from bot.views.slack.text import duration, line, plural

WHOLE_BYTES = 9000
"""Maximum size of a log that is shown completely in a message."""
END_BYTES = 4000
"""Maximum size of the shown end of a longer log."""
NAME_LENGTH = 63
SAYS_LENGTH = 600


class LogTexts:
    """The lines of a log for people, with their source as a prefix."""

    def __init__(self, service: Service, look: Look) -> None:
        slots = {task.id: task.slot for task in look.tasks}
        nodes = {node.id: node.hostname for node in look.nodes}
        self._name = service.short_name
        self._slots: Mapping[str, int] = slots
        self._nodes: Mapping[str, str] = nodes

    def lines(self, log: ServiceLog) -> list[str]:
        """The lines as ``docker service logs`` prints them."""
        sources = [self._source(each) for each in log.lines]
        wide = max(map(width, sources), default=0)
        return [
            f"{ljust(source, wide)} | {each.text}"
            for source, each in zip(sources, log.lines, strict=True)
        ]

    def file(self, log: ServiceLog) -> bytes:
        """The whole log as a file, each line with its time (UTC)."""
        texts = zip(log.lines, self.lines(log), strict=True)
        return "".join(f"{_stamp(each.at)} {text}\n" for each, text in texts).encode(
            "utf-8", "replace"
        )

    def _source(self, each: LogLine) -> str:
        """``django.1@photon-machine-01``; an unknown task is named by its id."""
        slot = self._slots.get(each.task_id)
        place = f".{slot}" if slot else "" if slot == 0 else f".{each.task_id[:12]}"
        return one_line(f"{self._name}{place}@{self._nodes.get(each.node_id, each.node_id[:12])}")


def is_short(lines: Sequence[str]) -> bool:
    """Whether all lines fit into one message without being cut."""
    if sum(map(len, lines)) > WHOLE_BYTES:
        return False
    longest = max((len(each) for each in _shown(lines)), default=0)
    return longest <= BLOCK_LENGTH and size(_code(lines)) <= WHOLE_BYTES


def whole_message(service: str, lines: Sequence[str], since: int, trouble: str) -> Message:
    """A short log; ``since`` is the requested age in seconds, 0 for no limit."""
    name = line(service, NAME_LENGTH)
    back = f" from the last {duration(since)}" if since else ""
    if not lines:
        text = f"No log lines of *{name}*{back}."
        return Message(text, (section(text), *_trouble(trouble)))
    title = f"*{name}*: {_count(lines)}{back}"
    return Message(title, (section(title), *_code(lines), *_trouble(trouble)))


def end_message(service: str, lines: Sequence[str], where: str, trouble: str) -> Message:
    """The end of a longer log; ``where`` says where the whole is, or why it is missing."""
    shown = _end(lines)
    while len(shown) > 1 and size(_code(shown)) > END_BYTES:
        shown = shown[max(len(shown) // 8, 1) :]
    part = f"the last {len(shown)} of {_count(lines)}"
    counted = part if len(shown) < len(lines) else f"{_count(lines)}, shortened"
    title = f"*{line(service, NAME_LENGTH)}*: {counted}"
    said = line(where, SAYS_LENGTH)
    blocks = (section(f"{title}\n{said}"), *_code(shown), *_trouble(trouble))
    return Message(f"{title}. {said}", blocks)


def _count(lines: Sequence[str]) -> str:
    return plural(len(lines), "log line")


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


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
