"""Where each task and thread of a bot under test waits, for runs in which something hangs."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

END = "END OF STACKS"
"""The last line that is written."""


def write_stacks(*_: object) -> None:
    """Write them to standard error; a signal handler of the process's main thread."""
    lines = [*_of_threads(), *_of_tasks(), END, ""]
    sys.stderr.write("\n".join(lines))
    sys.stderr.flush()


def _of_threads() -> Iterator[str]:
    names = {each.ident: each.name for each in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        yield f"THREAD {names.get(ident)}"
        yield from (_line(each) for each, _ in traceback.walk_stack(frame))


def _of_tasks() -> Iterator[str]:
    for task in asyncio.all_tasks():
        yield f"TASK {task.get_name()}"
        yield from map(_line, _frames(task.get_coro()))


def _frames(waiting: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, then of what it awaits, and so on."""
    while waiting is not None:
        for kind in ("cr", "gi", "ag"):
            frame = getattr(waiting, f"{kind}_frame", None)
            if frame is not None:
                yield frame
        names = ("cr_await", "gi_yieldfrom", "ag_await")
        waiting = next(filter(None, (getattr(waiting, name, None) for name in names)), None)


def _line(frame: FrameType) -> str:
    return f"    {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
