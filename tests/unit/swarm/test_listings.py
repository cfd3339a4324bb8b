"""Reading a list one object at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.swarm import listings
from bot.swarm.listings import PIECE, kept

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4)


@given(OBJECTS, st.sampled_from([None, 0, 2]))
def test_the_objects_are_those_that_json_reads(
    objects: list[dict[str, object]], indent: int
) -> None:
    """However the array is written."""
    text = f" {json.dumps(objects, indent=indent)}\n".encode()
    assert kept([text], lambda found: found) == tuple(objects)


@given(OBJECTS, st.integers(1, 7))
def test_the_text_may_come_in_parts_of_any_size(
    objects: list[dict[str, object]], size: int
) -> None:
    """Also if a character is split."""
    text = json.dumps(objects, ensure_ascii=False).encode()
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listings, "PIECE", 1)
        assert kept(parts, lambda found: found) == tuple(objects)


def test_no_more_of_the_text_is_read_than_the_next_object_needs() -> None:
    """A long list is never in memory as a whole."""
    known: list[str] = []

    def parts() -> Iterator[bytes]:
        yield b"["
        for each in "abc":
            assert len(known) == "abc".index(each)
            yield json.dumps({"ID": each, "Spec": "x" * PIECE}).encode() + b","
        yield b"{}]"

    def keep(raw: dict[str, str]) -> str:
        known.append(raw.get("ID", ""))
        return known[-1]

    assert kept(parts(), keep) == ("a", "b", "c", "")


def test_an_object_may_be_longer_than_many_parts() -> None:
    """As the spec of a service with large labels."""
    text = json.dumps([{"Spec": "é" * 3 * PIECE}], ensure_ascii=False).encode()
    parts = [text[at : at + 1000] for at in range(0, len(text), 1000)]
    assert kept(parts, lambda raw: len(raw["Spec"])) == (3 * PIECE,)


def test_only_what_is_kept_of_each_object_is_returned() -> None:
    """In the order of the array."""
    assert kept([b'[{"ID": "a", "Spec": {}}, {"ID": "b"}]'], _id) == ("a", "b")


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[", '[{"a": 1}', '[{"a": 1},]', "[,]", "[{} {}]", "[{}]]", "[]{}"]
)
def test_a_broken_array_is_an_error(text: str) -> None:
    """As for a broken answer of any kind."""
    with pytest.raises(ValueError, match=r"."):
        kept([text.encode()], lambda found: found)


@pytest.mark.parametrize("answer", [b'[{"a": "\xff"}]', b"[{}]\xc3"])
def test_what_is_no_utf_8_is_an_error(answer: bytes) -> None:
    """The engine's JSON is UTF-8."""
    with pytest.raises(ValueError, match=r"utf-8"):
        kept([answer], lambda found: found)


def _id(raw: dict[str, str]) -> str:
    return raw["ID"]
