"""The slots of a service in few lines: problems first, equal ones combined."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Sized

from bot.domain.jobs.progress import SlotProgress
from bot.views.slack.phone import fitting, joined, shared
from bot.views.slack.text import line, plural
from bot.views.words import is_broken, sign

NODE_LENGTH = 63
MOST_NODES = 8
MOST_EQUAL = 4
"""Slots and nodes named in the line of those in the same state."""
RUNNING = 3


def slot_lines(slots: Sequence[SlotProgress], most: int, note_length: int) -> list[str]:
    """At most ``most`` slots with a line each, then one line that counts the others."""
    ordered = sorted(slots, key=_urgency)
    shown, folded = ordered[:most], ordered[most:]
    lines = [_line_of([slot], line(slot.note, note_length)) for slot in shown]
    return [*lines, f"{'and ' if shown else ''}{_counts(folded)}"] if folded else lines


def odd_slots(
    slots: Sequence[SlotProgress], most: int, note_length: int, said: str = ""
) -> list[str]:
    """The slots that do not run: a line for those in the same state with the same error.

    ``said`` is what the message says already: an error in it is not repeated. What exceeds ``most``
    lines is counted in the last one.
    """
    equal: dict[tuple[str, str, str], list[SlotProgress]] = defaultdict(list)
    for slot in sorted(slots, key=_urgency):
        if slot.note or not (slot.former or _urgency(slot)[0] == RUNNING):
            equal[sign(slot), state_words(slot), slot.note].append(slot)
    groups = list(equal.values())
    shown = groups if len(groups) <= most else groups[: max(most - 1, 0)]
    lines = [_line_of(each, _note(each[0], note_length, said), said) for each in shown]
    rest = [slot for each in groups[len(shown) :] for slot in each]
    return [*lines, f"{'and ' if shown else ''}{_counts(rest)}"] if rest and most else lines


def node_line(slots: Sequence[SlotProgress], *, full: bool = False) -> str:
    """The nodes of the running slots: ``On node-1 (2), node-2``; empty if unknown.

    If that is more than one line of a phone, the names after the first lack what all begin with
    (``On photon-machine-01 (2), -02``), or the nodes are counted. ``full`` asks for all names.
    """
    nodes = Counter(slot.node for slot in slots if slot.node and slot.state == "running")
    if not nodes:
        return ""
    whole = _on(sorted(nodes), nodes)
    return whole if full else fitting(whole, _on(_endings(nodes), nodes), _counted(nodes))


def _on(names: Sequence[str], nodes: Mapping[str, int]) -> str:
    """Nodes by these names, in order, with the number of tasks if there are several."""
    counts = [nodes[node] for node in sorted(nodes)]
    named = [
        line(name, NODE_LENGTH) + (f" ({count})" if count > 1 else "")
        for name, count in zip(names, counts, strict=True)
    ]
    more = len(named) - MOST_NODES
    rest = f" and {plural(more, 'more node')}" if more > 0 else ""
    return "On " + ", ".join(named[:MOST_NODES]) + rest


def _endings(nodes: Iterable[str]) -> list[str]:
    """The first name, and of the others what follows the words that all of them begin with."""
    first, *others = sorted(nodes)
    begins = first[: shared(first, others[-1])] if others else ""
    start = max(begins.rfind(each) for each in "-_.")
    return [first, *(each[max(start, 0) :] for each in others)]


def _counted(nodes: Sized) -> str:
    return f"On {plural(len(nodes), 'node')}"


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
        rank = RUNNING if slot.state == "running" else 1
    numbered = slot.place.isascii() and slot.place.isdigit() and len(slot.place) < 10
    number = int(slot.place) if numbered else 0
    return rank, number, slot.place


def _note(slot: SlotProgress, length: int, said: str) -> str:
    return "" if slot.note.lower() in said.lower() else line(slot.note, length)


def _line_of(slots: Sequence[SlotProgress], note: str, said: str = "") -> str:
    """One line for slots in the same state. ``said`` is what the message says already."""
    first = slots[0]
    numbered = first.place.isdigit()
    word = ("slot " if len(slots) == 1 else "slots ") if numbered else ""
    nodes = dict.fromkeys(slot.node for slot in slots if slot.node and slot.node != slot.place)
    where = f" on {_named(nodes)}" if nodes else ""
    failures = sum(slot.failures for slot in slots)
    place = f"{word}{_named(slot.place for slot in slots)}"
    known = f"{place} failed " in said
    failed = f"failed {plural(failures, 'time')}" if failures and not known else ""
    return joined(f"{sign(first)} {place}: {state_words(first)}{where}", failed, note)


def _named(names: Iterable[str]) -> str:
    each = [line(name, NODE_LENGTH) for name in names]
    more = f" and {len(each) - MOST_EQUAL} more" if len(each) > MOST_EQUAL else ""
    return ", ".join(each[:MOST_EQUAL]) + more


def _counts(slots: Sequence[SlotProgress]) -> str:
    counts = Counter(state_words(slot) for slot in slots)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common(4))
