"""The deployed versions of a stack: user, time, result and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.deploys.history import image_changes, same_files, way_back
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.text.message import Message
from bot.views import words
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.text import id_link, line, mention, plural, slack_date

COUNTS = ((20, 12, 160), (20, 6, 100), (20, 3, 80), (10, 2, 60), (3, 1, 40))
"""Versions, changed images of each, and characters per image; the first that fits is used."""
NAME_LENGTH = 63


def history_message(
    stack: str,
    versions: Sequence[Version],
    *,
    back: str = "/orochi rollback",
    links: Mapping[str, str] | None = None,
) -> Message:
    """Versions, newest first. ``back`` is the command that rolls this stack back.

    ``links`` are the addresses of jobs' messages, by job id.
    """
    name = line(stack, NAME_LENGTH)
    if not versions:
        text = f"No versions yet: the bot has not deployed the stack {name}."
        return Message(text, tuple(packed([text])))
    title = f"*Versions of {name}*, newest first:"
    end = context(_way_back(stack, versions, back))
    rendered = (
        [*packed([title, *_lines(versions, counts, links or {})]), end] for counts in COUNTS
    )
    blocks = next((each for each in rendered if fits(each)), [*packed([title]), end])
    newest = versions[0]
    text = (
        f"{plural(len(versions), 'version')} of {name}; the latest, {newest.number}: "
        f"{words.result(newest)}"
    )
    return Message(text, tuple(blocks))


def _lines(
    versions: Sequence[Version], counts: tuple[int, int, int], links: Mapping[str, str]
) -> list[str]:
    most, images, length = counts
    older = [*versions[1:], None]
    told = [
        f"{_head(version, links)} · {_content(version, before, versions, images, length)}"
        for version, before in zip(versions[:most], older, strict=False)
    ]
    left = len(versions) - most
    return [*told, f"and {plural(left, 'older version')}"] if left > 0 else told


def _head(version: Version, links: Mapping[str, str]) -> str:
    job = id_link(version.job, links.get(version.job, ""))
    return (
        f"*{version.number}* · {words.VERDICTS[version.verdict]} · {mention(version.user)} · "
        f"{slack_date(version.at)} · job {job}"
    )


def _content(
    version: Version, before: Version | None, versions: Sequence[Version], most: int, length: int
) -> str:
    if version.removed:
        return "the stack was removed" if version.verdict.good else "removal of the stack"
    unkept = "" if version.bundle else " (files no longer kept)"
    if same := same_files(version, versions):
        return f"the files of version {same.number}{unkept}"
    changes = image_changes(version, before)
    if before is None:
        return f"{plural(len(version.images), 'service')}{unkept}"
    if not changes:
        other = before.files and set(before.files) != set(version.files)
        return f"{'other configs or secrets' if other else 'no image changed'}{unkept}"
    more = len(changes) - most
    shown = "; ".join(line(each, length) for each in changes[:most])
    return f"{shown}{f'; and {more} more' if more > 0 else ''}{unkept}"


def _way_back(stack: str, versions: Sequence[Version], command: str) -> str:
    try:
        version = way_back(stack, versions)
    except RefusedError as error:
        return line(f"{error.sentence} {error.hint}".strip(), 600)
    return f"`{line(command, 120)}` shows a plan to go back to version {version.number}."
