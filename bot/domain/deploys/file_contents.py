"""Configs and secrets that are made from files: their names, and how their content changes. Pure.

The content of a config or a secret cannot be changed in a swarm. So one that a stack's file makes
from a file (``file:``) has its content in its name: ``shop_settings-9f8e7d6c``. Another content
gets another name, and the services that use it are updated. An author's own ``name:`` is kept.

The digits are the first eight of a digest: for a config the SHA-256 of the content (as
``sha256sum`` prints it, unless it is a template), for a secret a keyed one, which tells nothing
about the content.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

LABEL: Final = "orochi-bot.file"
"""The label of an object that is named by its content: its name in the stack's file."""
DIGITS: Final = 8
_CONTENT: Final = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
LONGEST_NAME: Final = 64
"""Characters of the name of a config or a secret (swarmkit ``manager/controlapi``)."""


@dataclass(frozen=True, slots=True)
class FileObject:
    """A config or secret of a stack in the swarm.

    ``kind`` is ``config`` or ``secret``, ``entry`` the name in the file with the stack.
    """

    kind: str
    id: str
    name: str
    entry: str

    @property
    def key(self) -> str:
        """The object among configs and secrets."""
        return key_of(self.kind, self.name)

    @property
    def by_content(self) -> bool:
        """Whether its name has its content."""
        content = content_of(self.name)
        return bool(_CONTENT.fullmatch(content)) and self.name == name_of(self.entry, content)


def key_of(kind: str, name: str) -> str:
    """A name that tells a config from a secret of the same name: ``config/shop_settings``."""
    return f"{kind}/{name}"


def name_of(entry: str, digest: str) -> str:
    """The name of a config or secret with this content; a long one is shortened."""
    return f"{entry[: LONGEST_NAME - DIGITS - 1]}-{digest[:DIGITS]}"


def is_long(entry: str) -> bool:
    """Whether the name does not fit whole: the digest has to tell it from similar ones, too."""
    return len(entry) + DIGITS + 1 > LONGEST_NAME


def content_of(name: str) -> str:
    """The digits in the name of an object that is named by its content."""
    return name.rpartition("-")[2]


def changed_lines(old: bytes, new: bytes) -> tuple[int, int] | None:
    """How many lines were added and removed.

    Lines count wherever they are, so that a moved one is neither. None for other content than
    text, and if only line ends changed.
    """
    try:
        lines = [text.decode().splitlines() for text in (old, new)]
    except UnicodeDecodeError:
        return None
    if lines[0] == lines[1]:
        return None
    before, after = map(Counter, lines)
    return (after - before).total(), (before - after).total()


def unneeded(
    objects: Iterable[FileObject],
    entries: Collection[str],
    used: Collection[str],
    kept: Collection[str],
) -> tuple[FileObject, ...]:
    """Those that nobody needs: no service (``used``, ids) and no kept version (``kept``, keys).

    An object without its content in its name may be somebody's own, unless the stack's file makes
    it from a file (``entries``, keys).
    """
    own = (each for each in objects if each.by_content or each.key in entries)
    return tuple(each for each in own if each.id not in used and each.key not in kept)


def entries_in(files: Mapping[str, str]) -> Iterator[str]:
    """The keys of the entries of a plan's files."""
    for key, entry in files.items():
        if entry:
            yield key_of(key.partition("/")[0], entry)


def entries_by_name(objects: Iterable[FileObject]) -> Mapping[str, str]:
    """The entries of the objects that are named by their content."""
    return {each.name: each.entry for each in objects if each.by_content}
