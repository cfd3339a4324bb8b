"""Names of images: ``[REGISTRY/]PATH[:TAG][@DIGEST]``.

The grammar is that of the docker CLI (distribution/reference, ``reference.go`` and
``normalize.go``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::(?P<port>[0-9]+))?"
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_FULL_TAG: Final = re.compile(_TAG)
_FULL_DIGEST: Final = re.compile(_DIGEST)
_FULL_HOST: Final = re.compile(_HOST)
_ID: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 255
_LAST_PORT: Final = 65535
_HUBS: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})

SHORT_DIGEST: Final = 7
LATEST: Final = "latest"
"""The tag that is meant where none is given."""


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name. ``host`` is the registry as written, "" for Docker Hub.

    ``tag`` and ``digest`` are "" where the name has none.
    """

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry, "" for Docker Hub, however its host is written."""
        return "" if self.host in _HUBS else self.host

    @property
    def untagged(self) -> str:
        """The repository, with its registry."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def unpinned(self) -> str:
        """The name without its digest, if it has a tag; else the whole name."""
        return f"{self.untagged}:{self.tag}" if self.tag else str(self)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.untagged}{tag}" + (f"@{self.digest}" if self.digest else "")

    def with_suffix(self, suffix: str) -> ImageName:
        """The same repository with another ``:TAG``, ``@DIGEST`` or both."""
        tag, _, digest = suffix.removeprefix(":").partition("@")
        return replace(self, tag=tag, digest=digest)


def read_image(text: str) -> ImageName:
    """The parts of a name that has no flaw (see ``flaw_of``), of one of the swarm's for example."""
    rest, _, digest = text.partition("@")
    host, rest = _without_host(rest)
    path, _, tag = rest.partition(":")
    return ImageName(host, path, tag, digest)


def short_images(images: Iterable[str]) -> dict[str, str]:
    """Short names for images that are listed together, by their names: ``django:2.6``.

    A short name is the last part of the path with the tag, and as many parts before it as tell
    different repositories apart. Digests are left out.
    """
    names = {image: read_image(image) for image in images}
    repositories = {name.untagged for name in names.values()}
    return {
        image: _end_of(name.untagged, repositories) + (f":{name.tag}" if name.tag else "")
        for image, name in names.items()
    }


def short_change(old: str, new: str) -> str:
    """The change of an image in short: ``2.6 → 2.7``, or the digests under one tag."""
    first, then = read_image(old), read_image(new)
    if first.untagged != then.untagged:
        short = short_images([old, new])
        return f"{short[old]} → {short[new]}"
    if first.tag != then.tag and first.tag and then.tag:
        return f"{first.tag} → {then.tag}"
    return f"{_version(first)} → {_version(then)}"


def _version(name: ImageName) -> str:
    digits = name.digest.partition(":")[2][:SHORT_DIGEST]
    return digits or name.tag or LATEST


def _end_of(repository: str, others: Iterable[str]) -> str:
    """The shortest end of whole parts that no other repository has."""
    parts = repository.split("/")
    for count in range(1, len(parts)):
        end = "/".join(parts[-count:])
        if not any(f"/{each}".endswith(f"/{end}") for each in others if each != repository):
            return end
    return repository


def flaw_of(text: str) -> str:
    """What is wrong with the name of an image, as a sentence about it; "" if nothing is."""
    if "://" in text:
        return f"An image's name has no `{text.partition('://')[0]}://`."
    rest, at, digest = text.partition("@")
    host, rest = _without_host(rest)
    path, colon, tag = rest.partition(":")
    if at and (flaw := digest_flaw(digest)):
        return flaw
    if colon and (flaw := tag_flaw(tag)):
        return flaw
    if path == "sha256" and _ID.fullmatch(tag):
        return "That is an image's id, not its name."
    known = _FULL_HOST.fullmatch(host)
    if host and not known:
        return "Its registry is not a host name with an optional port."
    if known and known["port"] and not 0 < int(known["port"]) <= _LAST_PORT:
        return f"Its registry's port is not between 1 and {_LAST_PORT}."
    return _path_flaw(path)


def suffix_flaw(suffix: str) -> str:
    """What is wrong with a ``:TAG``, an ``@DIGEST`` or both; "" if nothing is."""
    tag, at, digest = suffix.partition("@")
    if at and (flaw := digest_flaw(digest)):
        return flaw
    return tag_flaw(tag.removeprefix(":")) if tag else ""


def tag_flaw(tag: str) -> str:
    """What is wrong with a tag; "" if nothing is."""
    if _FULL_TAG.fullmatch(tag):
        return ""
    if not tag:
        return "The tag after the colon is missing."
    if len(tag) > 128:
        return "A tag has at most 128 characters."
    return "A tag has letters, digits, `_`, `.` and `-` only, and does not begin with `.` or `-`."


def digest_flaw(digest: str) -> str:
    """What is wrong with a digest; "" if nothing is."""
    if _FULL_DIGEST.fullmatch(digest):
        return ""
    known, _, digits = digest.partition(":")
    if known != "sha256":
        return "A digest begins with `sha256:`."
    if re.fullmatch(r"[0-9a-f]*", digits):
        return f"A digest has 64 digits after `sha256:`; this one has {len(digits)}."
    return "A digest has hexadecimal digits only (0-9 and a-f) after `sha256:`."


def _path_flaw(path: str) -> str:
    if path != path.lower():
        return "An image's name is in lower case; only its tag may have capital letters."
    if not _PATH.fullmatch(path):
        return (
            "An image's name has lower-case letters and digits, with `/`, `.`, `_` and `-` between"
            " them."
        )
    if len(path) > _LONGEST:
        return f"An image's name has at most {_LONGEST} characters."
    return "64 hexadecimal digits are an image's id, not its name." if _ID.fullmatch(path) else ""


def _without_host(name: str) -> tuple[str, str]:
    """The registry, "" if there is none, and the rest."""
    first, slash, rest = name.partition("/")
    looks = "." in first or ":" in first or first == "localhost" or first != first.lower()
    return (first, rest) if slash and looks else ("", name)
