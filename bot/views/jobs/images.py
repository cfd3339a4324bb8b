"""The old and the new image of a service, short enough to compare them."""

from __future__ import annotations

from bot.domain.deploys.history import without_digest
from bot.domain.jobs.model import Target
from bot.domain.operations.image_change import short_digest
from bot.domain.swarm.image_name import read_image
from bot.views.jobs.changed_text import changed_texts
from bot.views.slack.text import quoted

LENGTH = 150


def image_change(target: Target) -> str:
    """The old and the new image of a rollback or an update.

    The old one is not known before a rollback begins.
    """
    if target.image_before == target.image:
        return quoted(read_image(target.image).unpinned, LENGTH)
    return both_images(target.image_before, target.image)


def both_images(before: str, after: str) -> str:
    """``before → after``; the new one alone if the old one is "".

    Digests tell apart what has one name. A registry that both have is left out.
    """
    if not before:
        return quoted(read_image(after).unpinned, LENGTH)
    names = [read_image(each).unpinned for each in without_registry(before, after)]
    if names[0] == names[1]:
        digests = (short_digest(before), short_digest(after))
        names = [" ".join(filter(None, pair)) for pair in zip(names, digests, strict=True)]
    return " → ".join(quoted(each, LENGTH) for each in names)


def compared_images(old: str, new: str, length: int) -> str:
    """Both images cut around their difference; with their digests only if these alone differ."""
    pair = without_registry(old, new)
    names = without_digest(*pair), without_digest(*pair[::-1])
    same = names[0].partition("@")[0] == names[1].partition("@")[0]
    again = " (the tag was pushed again)" if same and all("@" in each for each in names) else ""
    return f"{' → '.join(changed_texts(*names, length))}{again}"


def without_registry(before: str, after: str) -> tuple[str, str]:
    """Both images without the registry that they have in common."""
    host = read_image(before).host
    if not host or read_image(after).host != host:
        return before, after
    return before.removeprefix(f"{host}/"), after.removeprefix(f"{host}/")
