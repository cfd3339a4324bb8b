"""The deployed versions of a stack: what one changed, and which one is the way back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.domain.commands.names import short_name
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.verdict import Verdict

_AGAIN = "Fix its file, then `deploy`."


def image_changes(version: Version, before: Version | None) -> tuple[str, ...]:
    """What a version changed of the images, a clause for each service; () for the first one."""
    if before is None:
        return ()
    return tuple(_clauses(version, before))


def same_files(version: Version, versions: Sequence[Version]) -> Version | None:
    """The first version of the same files, None where that is the version itself."""
    older = [each for each in versions if each.number < version.number]
    same = (each for each in older if version.bundle and each.bundle == version.bundle)
    return min(same, key=lambda each: each.number, default=None)


def way_back(stack: str, versions: Sequence[Version]) -> Version:
    """The last version of other files that ended well, before the present one.

    ``versions`` are newest first; the newest is the present one. Where that one did not end well,
    an older deploy of the same files will do. Raises RefusedError where there is none.
    """
    if not versions:
        raise RefusedError(
            f"Stack `{stack}` has no version to go back to: the bot has not deployed it yet."
        )
    present = versions[0]
    well = [each for each in versions[1:] if each.verdict.good]
    found = [each for each in well if not present.verdict.good or _differs(each, present)]
    if not found:
        raise RefusedError(
            f"Stack `{stack}` has no version to go back to: no version with other files succeeded "
            f"before version {present.number}.",
            hint=_AGAIN,
        )
    if not found[0].bundle:
        raise RefusedError(
            f"The files of version {found[0].number} of stack `{stack}` are no longer kept.",
            hint=_AGAIN,
        )
    return found[0]


def undone_by(versions: Sequence[Version]) -> int:
    """The number of the version that undoes the newest one, should that prove bad; 0 for none."""
    if not versions:
        return 0
    bad = replace(versions[0], verdict=Verdict.FAILED)
    try:
        return way_back(bad.stack, (bad, *versions[1:])).number
    except RefusedError:
        return 0


def former(versions: Sequence[Version]) -> tuple[Version, ...]:
    """The versions that one service may go back to: well, newest first; of several of the same
    files the newest. Which of them has another spec than the service now is for the swarm to say.
    """
    well = [each for each in versions if each.verdict.good and each.bundle]
    distinct = {each.bundle: each for each in reversed(well)}
    return tuple(sorted(distinct.values(), key=lambda each: -each.number))


def _differs(version: Version, present: Version) -> bool:
    return not version.bundle or version.bundle != present.bundle


def _clauses(version: Version, before: Version) -> Iterator[str]:
    for name in sorted(version.images.keys() | before.images.keys()):
        old, new = before.images.get(name, ""), version.images.get(name, "")
        shown = short_name(version.stack, name)
        if old == new:
            continue
        if not old or not new:
            yield f"{shown} {'added' if new else 'removed'}"
        else:
            yield f"{shown} {_without_digest(old, new)} → {_without_digest(new, old)}"


def _without_digest(image: str, other: str) -> str:
    """An image by its tag, where that tells the two apart; else with the digest's beginning."""
    name, at, digest = image.partition("@sha256:")
    if not at or name != other.partition("@")[0]:
        return name
    return f"{name}@{digest[:12]}"
