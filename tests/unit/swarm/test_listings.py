"""Reading a list one object at a time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.swarm.listings import kept

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
    text = f" {json.dumps(objects, indent=indent)}\n"
    assert kept(text, lambda found: found) == tuple(objects)


def test_only_what_is_kept_of_each_object_is_returned() -> None:
    """In the order of the array."""
    assert kept('[{"ID": "a", "Spec": {}}, {"ID": "b"}]', lambda raw: raw["ID"]) == ("a", "b")


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[", '[{"a": 1}', '[{"a": 1},]', "[,]", "[{} {}]", "[{}]]", "[]{}"]
)
def test_a_broken_array_is_an_error(text: str) -> None:
    """As for a broken answer of any kind."""
    with pytest.raises(ValueError, match=r"."):
        kept(text, lambda found: found)
