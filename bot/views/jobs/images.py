"""The old and the new image of a service, short enough to compare them."""

from __future__ import annotations

from functools import lru_cache

from bot.domain.deploys.history import without_digest
from bot.domain.jobs.model import Target
from bot.domain.operations.image_change import short_digest
from bot.domain.swarm.image_name import ImageName, read_image
from bot.views.jobs.changed_text import changed_texts
from bot.views.slack.text import quoted

LENGTH = 150


def image_change(target: Target, *, in_full: bool = False) -> str:
    """The old and the new image of a rollback or an update; ``in_full`` with their registry.

    The old one is not known before a rollback begins.
    """
    before = "" if target.image_before == target.image else target.image_before
    return both_images(before, target.image, in_full=in_full)


def both_images(before: str, after: str, *, in_full: bool = False) -> str:
    """``before → after``; the new one alone if the old one is "".

    Digests, cut to their first digits, tell apart what has one name, or has no tag. A registry that
    both have is left out, unless they are shown ``in_full``.
    """
    if not before:
        return quoted(_named(read_image(after)), LENGTH)
    pair = (before, after) if in_full else without_registry(before, after)
    images = [read_image(each) for each in pair]
    tags = {(each.untagged, each.tag) for each in images}
    pinned = len(tags) == 1 or not all(each.tag for each in images)
    return " → ".join(quoted(_named(each, pinned=pinned), LENGTH) for each in images)


def _named(image: ImageName, *, pinned: bool = False) -> str:
    """An image by its tag; with the first digits of its digest if ``pinned``, or without a tag."""
    digest = short_digest(str(image))
    if image.tag:
        return f"{image.unpinned} {digest}".rstrip() if pinned else image.unpinned
    return f"{image.untagged} {digest}" if digest else str(image)


def compared_images(old: str, new: str, length: int) -> str:
    """Both images cut around their difference; with their digests only if these alone differ."""
    pair = without_registry(old, new)
    names = without_digest(*pair), without_digest(*pair[::-1])
    same = names[0].partition("@")[0] == names[1].partition("@")[0]
    again = " (the tag was pushed again)" if same and all("@" in each for each in names) else ""
    return f"{' → '.join(changed_texts(*names, length))}{again}"


@lru_cache(maxsize=1024)
def place_of(image: str) -> tuple[str, str]:
    """An image's registry, "" for Docker Hub, and its path there."""
    name = read_image(image)
    return name.registry, name.path


def without_registry(before: str, after: str) -> tuple[str, str]:
    """Both images without the registry that they have in common."""
    host = read_image(before).host
    if not host or read_image(after).host != host:
        return before, after
    return before.removeprefix(f"{host}/"), after.removeprefix(f"{host}/")
