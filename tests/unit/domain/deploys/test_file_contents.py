"""The names of configs and secrets from files, what changes in them, and which nobody needs."""

from __future__ import annotations

import pytest

from bot.domain.deploys.file_contents import (
    FileObject,
    changed_lines,
    content_of,
    entries_by_name,
    entries_in,
    is_long,
    name_of,
    unneeded,
)

DIGEST = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def an_object(name: str, entry: str = "", kind: str = "config") -> FileObject:
    return FileObject(kind, f"id of {name}", name, entry or name)


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
        (b"a\nb\n", b"a\r\nb", None),
        (b"a", b"a", None),
        (b"a", b"\xff\xfe", None),
        (b"\xff", b"a", None),
    ],
)
def test_lines_count_wherever_they_are(
    old: bytes, new: bytes, lines: tuple[int, int] | None
) -> None:
    assert changed_lines(old, new) == lines


def test_nobody_needs_what_is_neither_used_nor_kept() -> None:
    used, kept, old = (
        an_object(f"shop_settings-{number * 8}", "shop_settings") for number in "123"
    )
    plain, secret = an_object("shop_settings"), an_object("shop_settings", kind="secret")
    theirs = an_object("shop_theirs")
    objects = (used, kept, old, plain, secret, theirs)

    assert unneeded(objects, {"config/shop_settings"}, {used.id}, {kept.key}) == (old, plain)
    assert unneeded(objects, (), {used.id}, {kept.key}) == (old,)


@pytest.mark.parametrize(
    ("name", "entry", "by_content"),
    [
        ("shop_a-11111111", "shop_a", True),
        ("shop_a-1", "shop_a", False),
        ("shop_b-11111111", "shop_a", False),
        ("shop_a", "shop_a", False),
        ("shop_a-20260101", "shop_a-20260101", False),
    ],
)
def test_only_names_that_the_bot_gives_have_content(
    name: str,
    entry: str,
    by_content: bool,
) -> None:
    made = an_object(name, entry)

    assert made.by_content is by_content
    assert entries_by_name([made]) == ({name: entry} if by_content else {})


def test_a_plans_files_tell_the_entries() -> None:
    files = {"config/shop_a-11111111": "shop_a", "secret/token": "", "secret/shop_b": "shop_b"}

    assert list(entries_in(files)) == ["config/shop_a", "secret/shop_b"]
