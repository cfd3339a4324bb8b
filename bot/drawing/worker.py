"""The drawing process: reads figures from its standard input until that ends, answers each.

It has no secrets (its environment is what the bot gives it), and its memory is bounded by the
kernel: a picture that needs more fails, and nothing else does. The folder of its fonts, named in
``MPLCONFIGDIR``, is the bot's to remove, and its own where the bot is lost.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from typing import BinaryIO

from bot.drawing.wire import FAILED, LENGTH, PNG, decode, frame

MOST_MEMORY = 1024 * 1024 * 1024
"""Bytes of addresses; the largest figure needs about a third of that beside the libraries."""


def main(source: BinaryIO, out: BinaryIO) -> None:
    """Draw what comes until nothing comes any more."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        body = source.read(LENGTH.unpack(head)[0])
        _ = out.write(frame(_drawn(body)))
        out.flush()
    # The bot kills this process when it has no more use for it: here the bot itself was killed.
    shutil.rmtree(os.environ["MPLCONFIGDIR"], ignore_errors=True)


def _drawn(body: bytes) -> bytes:
    from bot.drawing.pen import png  # noqa: PLC0415 - within the bounds set above

    try:
        return PNG + png(decode(body))
    except (ValueError, MemoryError, RuntimeError, OSError) as error:
        return FAILED + f"{type(error).__name__}: {error}"[:500].encode(errors="replace")


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
