"""The list of images: what runs, since when, and where something newer is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bot.domain.operations.image_list import ServiceImage, Standing
from bot.domain.operations.image_watch import WATCH_LABEL, label_flaws
from bot.domain.swarm.image_name import SHORT_DIGEST, short_images
from bot.domain.text.message import Message, Metadata, MetadataValue
from bot.views.slack.blocks import actions, button, confirm, context, fits, packed
from bot.views.slack.phone import INDENT, LINE, displayed, joined
from bot.views.slack.text import age, line, plural, quoted

COUNTS = (100, 60, 40, 20, 8)
"""Services; the first number that fits is used."""
MOST_REASONS = 5
_SIGNS = {
    Standing.NEWER: "🆕",
    Standing.UNKNOWN: "❔",
    Standing.UNPINNED: "📌",
    Standing.NEWEST: "✅",
    Standing.FIXED: "✅",
}


def images_message(
    stack: str, rows: Sequence[ServiceImage], now: float, *, command: str = "/orochi"
) -> Message:
    """The list at ``now`` (Unix seconds), in the order of ``rows``."""
    said = _summary(rows)
    end = context(*_hints(rows, command))
    head = f"*{line(stack, 63)}*: {said}"
    rendered = ([*packed([head, *_lines(rows, now, most)]), end] for most in COUNTS)
    blocks = next((each for each in rendered if fits(each)), [*packed([head]), end])
    return Message(f"{line(stack, 63)}: {said}", tuple(blocks))


def notice_message(row: ServiceImage, *, command: str = "/orochi") -> Message:
    """A newer image of a service whose label asks for notices, with the button *Update*."""
    name, image = line(row.service.name, 63), quoted(row.name, 150)
    said = f"*{name}*: {image} is newer in its registry: `{row.digest}` → `{row.newest}`"
    question = confirm("Update?", f"Replaces the tasks of {row.service.name}.", "Update", "No")
    typed = f"`{line(command, 30)} update {line(row.service.advised_name, 64)}`"
    blocks = [
        *packed([f"🆕 {said}"]),
        actions([button("image.update", "Update", row.service.name, question)]),
        context(f"Asked for by the label `{WATCH_LABEL}`", f"Or type: {typed}"),
    ]
    marks: dict[str, MetadataValue] = {"image_of": row.service.id, "digest": row.newest}
    return Message(f"🆕 {said}", tuple(blocks), Metadata("swarm_image", marks))


def _summary(rows: Sequence[ServiceImage]) -> str:
    counts = Counter(row.standing for row in rows)
    newest = counts[Standing.NEWEST] + counts[Standing.FIXED]
    parts = [
        (counts[Standing.NEWER], "with a newer image"),
        (counts[Standing.UNKNOWN], "unknown"),
        (counts[Standing.UNPINNED], "not pinned"),
        (newest, "up to date"),
    ]
    said = ", ".join(f"{count} {words}" for count, words in parts if count)
    return f"{plural(len(rows), 'service')}: {said}"


def _lines(rows: Sequence[ServiceImage], now: float, most: int) -> Iterator[str]:
    short = short_images(row.name for row in rows)
    for row, said in zip(rows[:most], _told(rows[:most], short, now), strict=True):
        yield "\n".join([said, *(f"{INDENT}{each}" for each in label_flaws(row.service))])
    if len(rows) > most:
        yield f"and {plural(len(rows) - most, 'more service')}"
    yield from _reasons(rows)


def _told(rows: Sequence[ServiceImage], short: Mapping[str, str], now: float) -> list[str]:
    """``✅ worker01 :2.4 · up to date · 3f9a1b2 · running 3 h``: one line each, or all have two."""
    parts = [_parts(row, short[row.name], now) for row in rows]
    if all(displayed(joined(*each)) <= LINE for each in parts):
        return [joined(*each) for each in parts]
    return [f"{start}\n{INDENT}{joined(*more)}" for start, *more in parts]


def _parts(row: ServiceImage, image: str, now: float) -> tuple[str, ...]:
    """What runs and how it stands, its digest unless that says it, and since when."""
    name = row.service.short_name
    shown = quoted(image.removeprefix(name) if image.startswith(f"{name}:") else image, 150)
    start = f"{_SIGNS[row.standing]} *{line(name, 63)}* {shown}"
    since = f"running {age(max(0.0, now - row.since))}" if row.since else "not running"
    digest = f"`{row.digest[:SHORT_DIGEST]}`" if row.digest else ""
    if row.standing is not Standing.NEWER:
        return joined(start, _standing(row)), digest, since
    change = f"{digest} → `{row.newest[:SHORT_DIGEST]}`"
    whole = joined(start, f"newer: {change}")
    return (
        (whole, since)
        if displayed(whole) <= LINE
        else (joined(start, _standing(row)), change, since)
    )


def _standing(row: ServiceImage) -> str:
    match row.standing:
        case Standing.NEWER:
            return "newer"
        case Standing.UNPINNED:
            return "not pinned"
        case Standing.UNKNOWN:
            return "unknown"
        case Standing.FIXED:
            return "fixed by digest"
        case Standing.NEWEST:
            return "up to date"


def _reasons(rows: Sequence[ServiceImage]) -> Iterator[str]:
    """Why some are unknown, each reason once, and what it means that others are not pinned."""
    reasons = dict.fromkeys(row.why for row in rows if row.standing is Standing.UNKNOWN)
    for why in list(filter(None, reasons))[:MOST_REASONS]:
        yield f"{_SIGNS[Standing.UNKNOWN]} Unknown: {line(why, 200)}"
    if any(row.standing is Standing.UNPINNED for row in rows):
        sign = _SIGNS[Standing.UNPINNED]
        yield f"{sign} Not pinned: no digest, so nodes may run different images"


def _hints(rows: Sequence[ServiceImage], command: str) -> Iterator[str]:
    row = next((row for row in rows if row.standing in {Standing.NEWER, Standing.UNPINNED}), None)
    if row is not None:
        typed = f"{line(command, 30)} update {line(row.service.advised_name, 64)}"
        yield f"To take what a tag stands for now: `{typed}`"
    else:
        yield f"To set another tag: `{line(command, 30)} update SERVICE :TAG`"
