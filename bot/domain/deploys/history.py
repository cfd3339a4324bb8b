"""The deployed versions of a stack: what each changed, and which one to roll back to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.domain.commands.names import short_name
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.verdict import Verdict
from bot.domain.swarm.image_name import short_change

_AGAIN = "Fix its file, then `deploy`."


def image_changes(version: Version, before: Version | None) -> tuple[str, ...]:
    """The image changes of a version, a clause for each service; () for the first version."""
    if before is None:
        return ()
    return tuple(_clauses(version, before))


def same_files(version: Version, versions: Sequence[Version]) -> Version | None:
    """The first version with the same files, None if that is the version itself."""
    older = [each for each in versions if each.number < version.number]
    same = (each for each in older if version.bundle and each.bundle == version.bundle)
    return min(same, key=lambda each: each.number, default=None)


def way_back(stack: str, versions: Sequence[Version], *, gone: bool = False) -> Version:
    """The version to roll back to: the last one with other files that succeeded.

    ``versions`` are newest first; the first one is the present version. If a deploy of some files
    did not succeed, or the stack was removed since, an earlier deploy of the same files counts.
    With ``gone``, nothing of the stack is in the swarm: the present version counts, too.

    Raises:
        RefusedError: there is no such version.
    """
    if not versions:
        raise RefusedError(
            f"Stack `{stack}` has no version to go back to: the bot has not deployed it yet."
        )
    present = versions[0]
    gone = gone or present.removed
    stands = present.verdict.good and not gone
    earlier = versions if gone else versions[1:]
    well = [each for each in earlier if each.verdict.good and not each.removed]
    found = [each for each in well if not stands or _differs(each, present)]
    if not found and gone:
        raise RefusedError(
            f"Stack `{stack}` has no version to go back to: none succeeded.",
            hint=f"From its file, if there is one: `deploy {stack}`.",
        )
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
    """The number of the version that would undo the newest one, in case it fails; 0 for none."""
    if not versions:
        return 0
    bad = replace(versions[0], verdict=Verdict.FAILED)
    try:
        return way_back(bad.stack, (bad, *versions[1:])).number
    except RefusedError:
        return 0


def replicas_before(versions: Sequence[Version], number: int) -> dict[str, int]:
    """The replicas that services had before the versions after ``number`` changed them.

    Of several removals of the stack, the last one says how many there were.
    """
    undone = [each for each in versions if each.number > number]
    removals = [each for each in undone if each.removed]
    told = (each for each in undone if not each.removed or each is removals[0])
    return {name: count for each in told for name, count in each.before.items()}


def former(versions: Sequence[Version]) -> tuple[Version, ...]:
    """The versions to which one service may go back: successful ones, newest first.

    Of several versions with the same files, the newest is used. The swarm decides which of them has
    another spec than the present service.
    """
    well = [each for each in versions if each.verdict.good and each.bundle and not each.removed]
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
            yield f"{shown} {short_change(old, new)}"


def without_digest(image: str, other: str) -> str:
    """An image by its tag if that distinguishes the two, else with the start of its digest."""
    name, at, digest = image.partition("@sha256:")
    if not at or name != other.partition("@")[0]:
        return name
    return f"{name}@{digest[:12]}"
