"""The numbered changes of a workspace: a page that reconnects gets those that it missed."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from playground.slack import Workspace, WorkspaceChange

KEPT: Final = 2_000
SEEN: Final = frozenset({"posted", "edited", "deleted", "ephemeral", "view", "connection"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One change with its number; numbers go up by one."""

    number: int
    change: WorkspaceChange


class Journal:
    """Numbers the visible changes, keeps the latest and passes them on to the pages."""

    def __init__(self, workspace: Workspace) -> None:
        self.run = secrets.token_hex(4)
        self.last = 0
        self._workspace = workspace
        self._kept: deque[Entry] = deque(maxlen=KEPT)
        self._pages: set[asyncio.Queue[Entry | None]] = set()

    async def follow(self) -> None:
        """Record changes until cancelled."""
        with self._workspace.subscribe() as changes:
            async for change in changes:
                if change.kind in SEEN:
                    self._take(change)

    def close(self) -> None:
        """End all pages' streams."""
        for page in self._pages:
            page.put_nowait(None)

    def mark(self, number: int) -> str:
        """The id of an event: a page that comes back shows the last one it got."""
        return f"{self.run}-{number}"

    def since(self, mark: str) -> list[Entry] | None:
        """The entries after an id; None when they are no longer known."""
        run, _, digits = mark.partition("-")
        if run != self.run or not digits.isdecimal():
            return None
        number = int(digits)
        oldest = self._kept[0].number if self._kept else self.last + 1
        if not oldest - 1 <= number <= self.last:
            return None
        return [entry for entry in self._kept if entry.number > number]

    @contextmanager
    def listen(self) -> Iterator[AsyncIterator[Entry]]:
        """The entries from now on, until the journal is closed."""
        queue: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._pages.add(queue)
        try:
            yield _drained(queue)
        finally:
            self._pages.discard(queue)

    def _take(self, change: WorkspaceChange) -> None:
        self.last += 1
        entry = Entry(self.last, change)
        self._kept.append(entry)
        for page in self._pages:
            page.put_nowait(entry)


async def _drained(queue: "asyncio.Queue[Entry | None]") -> AsyncIterator[Entry]:
    while (entry := await queue.get()) is not None:
        yield entry
