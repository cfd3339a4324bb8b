"""The deployed versions of a stack: user, time, result and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.deploys.history import image_changes, same_files, way_back
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.text.message import Message
from bot.views import words
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.phone import INDENT, fitting, joined
from bot.views.slack.text import age, line, link, mention, plural

COUNTS = ((20, 3), (20, 1), (10, 1), (3, 1))
"""Versions, and changes of each that have a line; the first that fits is used."""
CHANGE_LENGTH = 120
NAME_LENGTH = 63


def history_message(
    stack: str,
    versions: Sequence[Version],
    now: float,
    *,
    back: str = "/orochi rollback",
    links: Mapping[str, str] | None = None,
) -> Message:
    """Versions at ``now``, newest first. ``back`` is the command that rolls this stack back.

    ``links`` are the addresses of jobs' messages, by job id.
    """
    name = line(stack, NAME_LENGTH)
    if not versions:
        text = f"No versions yet: the bot has not deployed the stack {name}."
        return Message(text, tuple(packed([text])))
    title = f"*Versions of {name}*, newest first:"
    end = context(_way_back(stack, versions, back))
    rendered = (
        [*packed([title, *_lines(versions, now, counts, links or {})]), end] for counts in COUNTS
    )
    blocks = next((each for each in rendered if fits(each)), [*packed([title]), end])
    newest = versions[0]
    text = (
        f"{plural(len(versions), 'version')} of {name}; the latest, {newest.number}: "
        f"{words.result(newest)}"
    )
    return Message(text, tuple(blocks))


def _lines(
    versions: Sequence[Version], now: float, counts: tuple[int, int], links: Mapping[str, str]
) -> list[str]:
    most, changes = counts
    older = [*versions[1:], None]
    told = [
        "\n".join(
            [
                _head(version, now, links.get(version.job, "")),
                *_contents(version, before, versions, changes, known=version.job in links),
            ]
        )
        for version, before in zip(versions[:most], older, strict=False)
    ]
    left = len(versions) - most
    return [*told, f"and {plural(left, 'older version')}"] if left > 0 else told


def _head(version: Version, now: float, url: str) -> str:
    """``7 · ❌ Crash looping · 1 d ago · @Bob``; the number is a link to the job's message."""
    parts = (
        f"*{link(url, str(version.number))}*",
        words.VERDICTS[version.verdict],
        f"{age(max(now - version.at, 0.0))} ago",
    )
    return fitting(joined(*parts, mention(version.user)), joined(*parts))


def _contents(
    version: Version, before: Version | None, versions: Sequence[Version], most: int, *, known: bool
) -> list[str]:
    """What the version changed, a line each; then its job, if no link leads to it."""
    unkept = "files no longer kept" if not version.bundle and not version.removed else ""
    job = "" if known else f"job `{line(version.job, 20)}`"
    said = _said(version, before, versions, most)
    whole = f"{INDENT}{joined(said[0], unkept, job)}"
    first = fitting(whole, f"{INDENT}{joined(said[0], job)}") if not unkept else whole
    return [first, *(f"{INDENT}{each}" for each in said[1:])]


def _said(
    version: Version, before: Version | None, versions: Sequence[Version], most: int
) -> list[str]:
    if version.removed:
        return ["the stack was removed" if version.verdict.good else "removal of the stack"]
    if same := same_files(version, versions):
        return [f"the files of version {same.number}"]
    changes = image_changes(version, before)
    if before is None:
        return [plural(len(version.images), "service")]
    if not changes:
        other = before.files and set(before.files) != set(version.files)
        return ["other configs or secrets" if other else "no image changed"]
    more = len(changes) - most
    shown = [line(each, CHANGE_LENGTH) for each in changes[:most]]
    return [*shown, f"and {more} more changed"] if more > 0 else shown


def _way_back(stack: str, versions: Sequence[Version], command: str) -> str:
    try:
        version = way_back(stack, versions)
    except RefusedError as error:
        return line(f"{error.sentence} {error.hint}".strip(), 600)
    return f"`{line(command, 120)}` shows a plan to go back to version {version.number}."
