"""The colours of the pictures: Okabe and Ito's, which are safe for colour-blind people.

Each state also has a sign and a word, so that no information depends on colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.swarm.task_tiles import TaskStanding

INK: Final = "#1d2733"
PALE: Final = "#5c6773"
PAPER: Final = "#ffffff"
LINE: Final = "#c5ccd3"
SHADE: Final = "#f2f4f6"


@dataclass(frozen=True, slots=True)
class TileStyle:
    """The style of a task's state: word, sign, a light colour, and a full one."""

    word: str
    sign: str
    fill: str
    edge: str


LOOKS: Final = {
    TaskStanding.RUNNING: TileStyle("running", "●", "#bfe6d8", "#009e73"),
    TaskStanding.STARTING: TileStyle("starting", "◐", "#cfe8f7", "#0072b2"),
    TaskStanding.PREPARING: TileStyle("preparing", "◔", "#e6f4fc", "#56b4e9"),
    TaskStanding.WAITING: TileStyle("waiting", "○", "#fdeec2", "#e69f00"),
    TaskStanding.FAILED: TileStyle("failed", "✕", "#f8cdb4", "#d55e00"),
    TaskStanding.STOPPING: TileStyle("stopping", "▽", "#f6f7f8", "#8a939c"),
    TaskStanding.COMPLETE: TileStyle("complete", "✓", "#dfe3e7", "#5c6773"),
    TaskStanding.UNKNOWN: TileStyle("unknown", "?", "#f1dbe7", "#cc79a7"),
}


SERVICES: Final = (
    "#332288", "#88ccee", "#117733", "#ddcc77", "#cc6677", "#aa4499", "#44aa99", "#999933",
    "#882255", "#777777",
)  # fmt: skip
"""The colours of services, reused in turn; the tile's text distinguishes services of one colour."""
