"""The logs of whole services: implements the port ``ServiceLogs``.

The engine gathers them from the nodes of all tasks. Each message has its time and the ids of its
node and task as a prefix (Engine API, ``/services/{id}/logs`` with ``details``). Only the beginning
of a message is a prefix: a container may print the like on its own.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from docker import APIClient
from docker.types import CancellableStream

from bot.domain.errors import SwarmUnavailableError
from bot.domain.swarm.service_log import LogLine, ServiceLog, newest
from bot.domain.text.redaction import masked
from bot.swarm.connection import Connection, url
from bot.swarm.failures import CLIENT_ERRORS
from bot.swarm.logs import Demultiplexer, clean, printable
from bot.swarm.wire import timestamp

_ALL: Final[dict[str, str | int]] = {"stdout": 1, "stderr": 1, "timestamps": 1, "details": 1}
_SECONDS: Final = 4.0
_MOST: Final = 4 * 1024 * 1024
_HEAD: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) "
    r"(\S*?com\.docker\.swarm\.node\.id=[^ ,]*\S*) "
)
_MESSAGE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_CUT: Final = f"Only the newest {_MOST // 2**20} MiB could be read."
_LATE: Final = "The log is incomplete: a node did not answer in time, or its log is long."


@dataclass(frozen=True, slots=True)
class _LogAnswer:
    """The answer to a log request, message by message.

    ``own`` are the engine's own messages; ``late`` says that more was to come, ``cut`` that the
    beginning was dropped because of its size.
    """

    messages: tuple[str, ...]
    own: str
    late: bool
    cut: bool


class DockerServiceLogs:
    """Implements ``bot.ports.engine.ServiceLogs``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def service_log(
        self,
        service_id: str,
        since: float,
        lines: int,
        *,
        tasks: frozenset[str] | None = None,
        seconds: float = _SECONDS,
    ) -> ServiceLog:
        """The last lines of all tasks together, as in ``bot.ports.engine.ServiceLogs``."""
        params = {**_ALL, "tail": lines} | ({"since": int(since)} if since else {})
        path = f"/services/{service_id}/logs"

        def work(client: APIClient) -> ServiceLog:
            answer = _read(client, path, params, seconds)
            found = newest_lines(answer.messages, since, lines, tasks)
            return ServiceLog(found, _trouble(answer))

        return await self._connection.call(work)

    async def log_while(
        self, service_id: str, lines: int, work: Callable[[], Awaitable[None]]
    ) -> ServiceLog:
        """The lines until ``work`` is done, as in ``bot.ports.engine.ServiceLogs``."""
        reading = _Reading(f"/services/{service_id}/logs", {**_ALL, "tail": lines, "follow": 1})
        read = asyncio.ensure_future(self._connection.call(reading.read, repeat=False))
        read.add_done_callback(lambda done: done.cancelled() or done.exception())
        begun = asyncio.ensure_future(reading.begun.wait())
        try:
            await asyncio.wait({read, begun}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await work()
        finally:
            begun.cancel()
            reading.stop()
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await read
        except TimeoutError as error:
            raise SwarmUnavailableError("The engine did not send the log.") from error
        return ServiceLog(newest_lines(answer.messages, 0.0, lines), _trouble(answer))


class _Reading:
    """Reads a log in a thread until it is told to stop; ``begun`` is set when it arrives."""

    def __init__(self, path: str, params: Mapping[str, str | int]) -> None:
        self.begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._path, self._params = path, params
        self._stream: CancellableStream[bytes] | None = None
        self._stopped = False

    def read(self, client: APIClient) -> _LogAnswer:
        """The log until then. Raises the client's errors until it begins."""
        frames = Demultiplexer(_MOST)
        with client.get(
            url(client, self._path), params=self._params, stream=True, timeout=client.timeout
        ) as answer:
            answer.raise_for_status()
            self._stream = CancellableStream(answer.iter_content(None), answer)
            self._loop.call_soon_threadsafe(self.begun.set)
            if not self._stopped:
                for data in self._stream:
                    frames.feed(data)
        return _answered(frames, late=False)

    def stop(self) -> None:
        """End the reading. The stream may be at its end already."""
        self._stopped = True
        if self._stream is not None:
            with suppress(OSError, AttributeError):
                self._stream.close()


def log_lines(text: str, since: float, count: int) -> tuple[LogLine, ...]:
    """``newest_lines`` of a log without frames, as of a terminal: each line is a message."""
    return newest_lines(_MESSAGE.findall(text), since, count)


def newest_lines(
    messages: Iterable[str], since: float, count: int, tasks: frozenset[str] | None = None
) -> tuple[LogLine, ...]:
    """The newest lines of a log (with ``tasks``, of theirs), in order of time, masked."""
    found = (line for line in _lines(messages) if tasks is None or line.task_id in tasks)
    chosen = list(newest(found, since, count))
    by_task: dict[str, list[int]] = {}
    for index, line in enumerate(chosen):
        by_task.setdefault(line.task_id, []).append(index)
    for indexes in by_task.values():  # a secret, such as a key, may span several lines
        shown = masked("\n".join(chosen[index].text for index in indexes)).split("\n")
        for index, each in zip(indexes, shown, strict=True):
            chosen[index] = replace(chosen[index], text=each)
    return tuple(chosen)


@dataclass(slots=True)
class _Entry:
    """A message: usually a line, with its line break."""

    at: float
    task: str
    node: str
    text: str


def _lines(messages: Iterable[str]) -> Iterator[LogLine]:
    """All lines, not masked yet; each task's lines are in order.

    A message without a prefix is the rest of one that was cut, and is dropped. A long line comes in
    parts with a prefix each, of which only the last ends with a line break.
    """
    by_task: dict[str, list[_Entry]] = {}
    for entry in filter(None, map(_entry, messages)):
        known = by_task.setdefault(entry.task, [])
        if known and not known[-1].text.endswith("\n"):
            known[-1].text += entry.text
        else:
            known.append(entry)
    for entry in (entry for entries in by_task.values() for entry in entries):
        for each in entry.text.rstrip().split("\n"):
            shown = printable(each).replace("\n", " ").rstrip()
            yield LogLine(entry.at, entry.task, entry.node, shown)


def _entry(message: str) -> _Entry | None:
    """A message without its prefix; None if it has none."""
    head = _HEAD.match(message)
    if head is None:
        return None
    details = dict(pair.partition("=")[::2] for pair in head[2].split(","))
    node, task = (
        unquote_plus(details.get(f"com.docker.swarm.{kind}.id", "")) for kind in ("node", "task")
    )
    return _Entry(timestamp(head[1]), task, node, message[head.end() :])


def _trouble(answer: _LogAnswer) -> str:
    own = " ".join(answer.own.split())
    late = _LATE if answer.late else ""
    said = f"The engine says: {clean(own)[:300]}." if own else late
    return f"{_CUT} {said}".rstrip() if answer.cut else said


def _read(client: APIClient, path: str, params: dict[str, str | int], seconds: float) -> _LogAnswer:
    """A log as far as it arrives in time. Raises the client's errors until it begins."""
    deadline = time.monotonic() + seconds
    frames = Demultiplexer(_MOST)
    late = True
    with client.get(
        url(client, path), params=params, stream=True, timeout=(client.timeout, seconds)
    ) as answer:
        answer.raise_for_status()
        with suppress(*CLIENT_ERRORS):
            for data in answer.iter_content(None):
                frames.feed(data)
                if time.monotonic() > deadline:
                    break
            else:
                late = False
    return _answered(frames, late=late)


def _answered(frames: Demultiplexer, *, late: bool) -> _LogAnswer:
    framed = frames.frames()
    messages = (
        _MESSAGE.findall(frames.text().decode("utf-8", "replace"))
        if framed is None
        else [each.decode("utf-8", "replace") for each in framed]
    )
    return _LogAnswer(tuple(messages), frames.own().decode("utf-8", "replace"), late, frames.cut)
