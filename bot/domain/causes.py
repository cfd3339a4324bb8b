"""Why a task failed: one classifier for verdicts and incidents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CauseKind(Enum):
    """The words for causes; where a verdict of the same meaning exists it has the same value."""

    EXIT_CODE = "exit_code"
    CRASH_LOOPING = "crash_looping"
    OUT_OF_MEMORY = "out_of_memory"
    UNHEALTHY = "unhealthy"
    IMAGE_MISSING = "image_missing"
    MOUNT_FAILED = "mount_failed"
    UNSCHEDULABLE = "unschedulable"
    START_FAILED = "start_failed"
    NODE_DOWN = "node_down"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one task failed.

    ``text`` says it in plain words, ``raw`` is the engine's own error text (may be empty).
    ``exit_code`` is the container's, None where none ran. ``place`` is the slot, or the node id for
    a global service.
    """

    kind: CauseKind
    text: str
    raw: str = ""
    exit_code: int | None = None
    task_id: str = ""
    place: str = ""
    node_id: str = ""
    container_id: str = ""
