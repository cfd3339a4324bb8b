"""Commands about the images of services."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.commands.arguments import (
    MOST_TARGETS,
    example,
    no_stack,
    one_stack,
    service_name,
    stack_name,
    without_yes,
)
from bot.domain.commands.names import is_service_name, is_typed_service
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import (
    Command,
    Defaults,
    ImageTarget,
    ListImages,
    Reply,
    Update,
    as_text,
)
from bot.domain.swarm.image_name import LATEST, flaw_of, suffix_flaw
from bot.domain.text.escaping import quoted, shorten

ALL: Final = "--all"


def _update(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse ``SERVICE``, ``SERVICE IMAGE`` or pairs ``SERVICE=IMAGE``, and ``--yes`` anywhere."""
    everything = [word for word in words if word.lower() == ALL]
    found = without_yes("update", [word for word in words if word.lower() != ALL], _forms(defaults))
    if isinstance(found, Reply):
        return found
    kept, yes = found
    if everything:
        return _all(kept, defaults, yes=yes)
    if not kept:
        return Reply("Update which service?", _forms(defaults))
    if kept[0][0] in ":@":
        return Reply(
            f"Update which service to {quoted(kept[0])}?",
            f"Try: {example(defaults, f'update {defaults.service} {kept[0]}')}",
        )
    if "to" in [word.lower() for word in kept[1:]]:
        right = example(defaults, " ".join(["update", *(w for w in kept if w.lower() != "to")]))
        return Reply("`to` isn't needed.", f"Did you mean {right}?")
    if any("=" in word for word in kept):
        return _pairs(kept, defaults, yes=yes)
    if len(kept) > 2:
        return Reply("Too many words.", _forms(defaults))
    target = _target(kept[0], kept[1] if len(kept) == 2 else "", defaults)
    return target if isinstance(target, Reply) else Update((target,), yes=yes)


def _all(words: Sequence[str], defaults: Defaults, *, yes: bool) -> Update | Reply:
    if len(words) > 1:
        right = example(defaults, "update --all orochi")
        return Reply(f"`update {ALL}` takes one stack, or none.", f"Try: {right}")
    if not words:
        return Update((), yes=yes)
    if name := stack_name(words[0]):
        return Update((), yes=yes, stack=name)
    return no_stack(words[0], defaults)


def _images(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    found = one_stack("images", words, defaults)
    return found if isinstance(found, Reply) else ListImages(found)


def _pairs(words: Sequence[str], defaults: Defaults, *, yes: bool) -> Update | Reply:
    targets: dict[str, ImageTarget] = {}
    for word in words:
        name, equals, image = word.partition("=")
        if equals and not image:
            return Reply(f"Update {quoted(name)} to which image?", _forms(defaults))
        target = _target(name, image, defaults)
        if isinstance(target, Reply):
            return target
        if target.service in targets:
            return Reply(f"{quoted(target.service)} is listed twice.", "List it once.")
        targets[target.service] = target
    if len(targets) <= MOST_TARGETS:
        return Update(tuple(targets.values()), yes=yes)
    first = shorten(as_text(Update(tuple(targets.values())[:2])), 150)
    return Reply(
        f"Too many services: {len(targets)}. One command takes at most {MOST_TARGETS}.",
        f"Split it up. Try: {example(defaults, first)}",
    )


def _target(name: str, image: str, defaults: Defaults) -> ImageTarget | Reply:
    if re.search(r"[/:@.]", name) and not is_typed_service(name) and not flaw_of(name):
        first, colon, tag = name.partition(":")
        joined = colon and is_service_name(first) and not image
        right = f"{first} :{tag}" if joined else f"{defaults.service} {name}"
        return Reply(
            f"{quoted(name)} is an image. Name the service first.",
            f"Try: {example(defaults, f'update {right}')}",
        )
    service = service_name(name, defaults)
    if isinstance(service, Reply):
        return service
    flaw = suffix_flaw(image) if image[:1] in {":", "@"} else flaw_of(image) if image else ""
    if flaw:
        return _flawed(service, image, flaw, defaults)
    if image and not re.search(r"[/:@]", image):
        tag, whole = (
            example(defaults, f"update {service} {each}")
            for each in (f":{image}", f"{image}:{LATEST}")
        )
        return Reply(
            f"{quoted(image)} may be a tag or an image.", f"The tag: {tag}\nThe image: {whole}"
        )
    return ImageTarget(service, image)


def _flawed(service: str, image: str, flaw: str, defaults: Defaults) -> Reply:
    better = re.sub(r"^\w+://", "", image)
    path, colon, tag = better.rpartition(":")
    better = f"{path.lower()}:{tag}" if colon and "/" not in tag else better.lower()
    meant = better != image and not flaw_of(better)
    right = example(defaults, f"update {service} {better}") if meant else ""
    return Reply(
        f"{quoted(image)} is not the name of an image. {flaw}",
        f"Did you mean {right}?" if meant else _forms(defaults),
    )


def _forms(defaults: Defaults) -> str:
    name = defaults.service
    forms = (f"update {name} :2.1", f"update {name} registry.example.net/app:2.1", f"update {name}")
    return "Try: " + " · ".join(example(defaults, form) for form in forms)


IMAGES: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="update",
        command=Update,
        usage="update SERVICE [IMAGE] or --all [STACK] [--yes]",
        summary="Roll a service to another image, or to the newest one of its tag.",
        examples=(
            ("update django :2.1", "the tag `2.1` of its image"),
            ("update django registry.example.net/orochi:2.1", "another image"),
            ("update django", "what its tag stands for now"),
            ("update django=:2.1 worker01=:2.1", "two services as one job"),
            ("update --all", "a plan: the newest image of each service's tag"),
        ),
        changes=True,
        parse=_update,
        keeps_colons=True,
        also=("image", "set-image", "roll", "upgrade", "pull", "rollout"),
        notes=(
            (
                "The registry is asked first: if it does not have the image, or not for the"
                " platforms of the nodes, nothing is changed."
            ),
            "The image is pinned to its digest, so every node runs the same one.",
            "With `--yes` the image is set even if the registry cannot be asked.",
            "The next deploy sets the image of the stack's file again; the message says so.",
        ),
    ),
)

LISTED: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="images",
        command=ListImages,
        usage="images [STACK]",
        summary="What each service runs, since when, and where its registry has something newer.",
        examples=(
            ("images", "the images of the channel's stack"),
            ("images shop", "those of the stack `shop`"),
        ),
        changes=False,
        parse=_images,
        also=("image-list", "tags", "digests", "outdated"),
        notes=(
            "The registries are asked. A newer image is one that was pushed under the same tag.",
        ),
    ),
)
