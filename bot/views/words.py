"""The words for verdicts, causes and states, each with a sign of the same meaning."""

from __future__ import annotations

from typing import Final

from bot.domain.deploys.version import Version
from bot.domain.jobs.progress import SlotProgress
from bot.domain.jobs.verdict import Verdict
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.health import Grade
from bot.domain.swarm.model import UpdateState

QUEUED: Final = "⏳ Queued"
RUNNING: Final = "🔄 Running"

ACTIONS: Final = {
    "restart": "restart",
    "resume": "resume",
    "rollback": "roll back",
    "drain": "drain",
    "activate": "activate",
}
"""Actions on a service or a node that have no further parameters."""

VERDICTS: Final = {
    Verdict.CONVERGED: "✅ Converged",
    Verdict.COMPLETED: "✅ Completed",
    Verdict.UNSCHEDULABLE: "❌ Unschedulable",
    Verdict.CRASH_LOOPING: "❌ Crash looping",
    Verdict.IMAGE_MISSING: "❌ Image missing",
    Verdict.PULL_DENIED: "❌ Pull denied",
    Verdict.PULL_FAILED: "❌ Pull failed",
    Verdict.NETWORK_FAILED: "❌ Network failed",
    Verdict.CONFIG_FAILED: "❌ Config failed",
    Verdict.MOUNT_FAILED: "❌ Mount failed",
    Verdict.OUT_OF_MEMORY: "❌ Out of memory",
    Verdict.UNHEALTHY: "❌ Unhealthy",
    Verdict.PAUSED: "⏸️ Update paused",
    Verdict.ROLLED_BACK: "↩️ Rolled back",
    Verdict.FAILED: "❌ Failed",
    Verdict.TIMED_OUT: "⌛ Timed out",
    Verdict.CANCELLED: "⏹️ Cancelled",
    Verdict.SUPERSEDED: "⚠️ Superseded",
    Verdict.REFUSED: "🚫 Refused",
}

CAUSES: Final = {
    CauseKind.EXIT_CODE: "exited with an error",
    CauseKind.OUT_OF_MEMORY: "out of memory",
    CauseKind.UNHEALTHY: "the health check fails",
    CauseKind.IMAGE_MISSING: "the image is missing",
    CauseKind.PULL_DENIED: "the registry refuses the pull",
    CauseKind.PULL_FAILED: "the image cannot be pulled",
    CauseKind.NETWORK_FAILED: "the network setup failed",
    CauseKind.CONFIG_FAILED: "a config or secret cannot be mounted",
    CauseKind.MOUNT_FAILED: "a volume cannot be mounted",
    CauseKind.UNSCHEDULABLE: "no node fits",
    CauseKind.START_FAILED: "the container could not be started",
    CauseKind.NODE_DOWN: "the node is down",
    CauseKind.ENDED: "the container ended by itself",
}

SHORT_CAUSES: Final = {
    CauseKind.EXIT_CODE: "exited",
    CauseKind.OUT_OF_MEMORY: "out of memory",
    CauseKind.UNHEALTHY: "unhealthy",
    CauseKind.IMAGE_MISSING: "no such image",
    CauseKind.PULL_DENIED: "pull denied",
    CauseKind.PULL_FAILED: "pull failed",
    CauseKind.NETWORK_FAILED: "network error",
    CauseKind.CONFIG_FAILED: "config error",
    CauseKind.MOUNT_FAILED: "mount error",
    CauseKind.UNSCHEDULABLE: "no node fits",
    CauseKind.START_FAILED: "cannot start",
    CauseKind.NODE_DOWN: "node down",
    CauseKind.ENDED: "ended, exit 0",
}
"""For lists on a phone."""

UPDATES: Final = {
    UpdateState.UPDATING: "update under way",
    UpdateState.PAUSED: "update paused",
    UpdateState.ROLLBACK_STARTED: "rollback under way",
    UpdateState.ROLLBACK_PAUSED: "rollback paused",
    UpdateState.ROLLBACK_COMPLETED: "last update was rolled back",
}
"""Update states to mention; a completed update is not worth a word."""

BROKEN_STATES: Final = frozenset({"failed", "rejected", "orphaned"})
GOOD, COMING, BAD, LEAVING = "🟢", "🟡", "🔴", "⚪"
GRADES: Final = {Grade.BAD: BAD, Grade.CHANGING: COMING, Grade.WELL: GOOD}


def word(verdict: Verdict) -> str:
    """A verdict's word without its sign, for use within a sentence."""
    return VERDICTS[verdict].partition(" ")[2].lower()


def result(version: Version) -> str:
    """The result of a version within a sentence: ``converged``, ``removed``."""
    if not version.removed:
        return word(version.verdict)
    return "removed" if version.verdict.good else f"removal {word(version.verdict)}"


def is_broken(slot: SlotProgress) -> bool:
    """Whether a slot's newest task has a problem, or recently had one."""
    return not slot.leaving and (
        slot.state in BROKEN_STATES
        or slot.failures > 0
        or (bool(slot.note) and slot.state != "running")
    )


def sign(slot: SlotProgress) -> str:
    """The sign for a slot's state."""
    if slot.leaving:
        return LEAVING
    if slot.former:
        return COMING
    if slot.state == "running":
        return GOOD
    return BAD if is_broken(slot) else COMING
