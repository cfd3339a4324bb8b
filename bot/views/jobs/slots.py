"""The slots of a service in few lines: problems first, equal ones combined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.domain.jobs.progress import SlotProgress
from bot.views.slack.text import line, plural
from bot.views.words import is_broken, sign

NODE_LENGTH = 63
MOST_NODES = 8


def slot_lines(slots: Sequence[SlotProgress], most: int, note_length: int) -> list[str]:
    """At most ``most`` slots with a line each, then one line that counts the others."""
    ordered = sorted(slots, key=_urgency)
    shown, folded = ordered[:most], ordered[most:]
    lines = [_slot_line(slot, note_length) for slot in shown]
    return [*lines, f"{'and ' if shown else ''}{_counts(folded)}"] if folded else lines


def node_line(slots: Sequence[SlotProgress]) -> str:
    """The nodes of the running slots: ``On node-1 (2), node-2``; empty if unknown."""
    nodes = Counter(slot.node for slot in slots if slot.node and slot.state == "running")
    named = [
        line(node, NODE_LENGTH) + (f" ({count})" if count > 1 else "")
        for node, count in sorted(nodes.items())
    ]
    if not named:
        return ""
    more = len(named) - MOST_NODES
    rest = f" and {plural(more, 'more node')}" if more > 0 else ""
    return "On " + ", ".join(named[:MOST_NODES]) + rest


def state_words(slot: SlotProgress) -> str:
    """Docker's name of a slot's state; ``stopping`` if it is being stopped."""
    if slot.former:
        return "old one running"
    state = "stopping" if slot.leaving else slot.state
    return line(state, 20) or "unknown"


def _urgency(slot: SlotProgress) -> tuple[int, int, str]:
    if is_broken(slot):
        rank = 0
    elif slot.leaving or slot.former:
        rank = 2
    else:
        rank = 3 if slot.state == "running" else 1
    numbered = slot.place.isascii() and slot.place.isdigit() and len(slot.place) < 10
    number = int(slot.place) if numbered else 0
    return rank, number, slot.place


def _slot_line(slot: SlotProgress, note_length: int) -> str:
    place = line(f"slot {slot.place}" if slot.place.isdigit() else slot.place, NODE_LENGTH)
    where = f" on {line(slot.node, NODE_LENGTH)}" if slot.node and slot.node != slot.place else ""
    failed = f" · failed {plural(slot.failures, 'time')}" if slot.failures else ""
    note = line(slot.note, note_length)
    return f"{sign(slot)} {place}: {state_words(slot)}{where}{failed}{f' · {note}' if note else ''}"


def _counts(slots: Sequence[SlotProgress]) -> str:
    counts = Counter(state_words(slot) for slot in slots)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common(4))
