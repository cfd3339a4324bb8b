"""The names of configs and secrets from files, what changes in them, and which nobody needs."""

from __future__ import annotations

import pytest

from bot.domain.deploys.file_contents import (
    FileObject,
    changed_lines,
    content_of,
    entries_by_name,
    is_long,
    name_of,
    unneeded,
)

DIGEST = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def an_object(name: str, *, by_content: bool = True) -> FileObject:
    entry = name.rpartition("-")[0] if by_content else name
    return FileObject("configs", f"id of {name}", name, entry, by_content)


@pytest.mark.parametrize(
    ("entry", "name", "long"),
    [
        ("shop_settings", "shop_settings-9f8e7d6c", False),
        ("s" * 55, f"{'s' * 55}-9f8e7d6c", False),
        ("s" * 56, f"{'s' * 55}-9f8e7d6c", True),
    ],
)
def test_a_name_has_the_start_of_the_digest(entry: str, name: str, long: bool) -> None:
    assert name_of(entry, DIGEST) == name
    assert len(name) <= 64
    assert content_of(name) == DIGEST[:8]
    assert is_long(entry) is long


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (b"a\nb\n", b"a\nb\nc\n", (1, 0)),
        (b"a\nb\n", b"a\nB", (1, 1)),
        (b"a\nb\n", b"b\na\n", (0, 0)),
        (b"a\na\n", b"a\n", (0, 1)),
        (b"a", b"", (0, 1)),
        (b"a", b"\xff\xfe", None),
        (b"\xff", b"a", None),
    ],
)
def test_lines_count_wherever_they_are(
    old: bytes, new: bytes, lines: tuple[int, int] | None
) -> None:
    assert changed_lines(old, new) == lines


def test_nobody_needs_what_is_neither_used_nor_kept() -> None:
    used, kept, old = (an_object(f"shop_settings-{number * 8}") for number in "123")
    plain = an_object("shop_settings", by_content=False)
    theirs = an_object("shop_theirs", by_content=False)
    objects = (used, kept, old, plain, theirs)

    assert unneeded(objects, {"shop_settings"}, {used.id}, {kept.name}) == (old, plain)
    assert unneeded(objects, (), {used.id}, {kept.name}) == (old,)


def test_entries_are_known_of_objects_named_by_content() -> None:
    objects = (an_object("shop_a-11111111"), an_object("shop_b", by_content=False))

    assert entries_by_name(objects) == {"shop_a-11111111": "shop_a"}
