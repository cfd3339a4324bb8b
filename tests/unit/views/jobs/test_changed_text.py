"""Two different texts never look the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.jobs.changed_text import changed_texts

PAIRS = [
    ("one two", "one  two", "`one two`", "`one␣␣two`"),
    ("one two", "one two ", "`one two`", "`one two␣`"),
    ("line1 line2", "line1\nline2", "`line1 line2`", "`line1⏎line2`"),
    ("a\tb", "a b", "`a⇥b`", "`a b`"),
    ("Host('a')", "Host(`a`)", "`Host('a')`", "`Host(\u02cba\u02cb)`"),
    ("a", "b", "`a`", "`b`"),
    ("x" * 80 + "1", "x" * 80 + "2", f"`…{'x' * 16}1`", f"`…{'x' * 16}2`"),
    ("\u00e9", "e\u0301", "`\u00e9`", "`e\u0301` (differs in characters that cannot be shown)"),
    ("a\u200bb", "ab", "`ab`", "`ab` (differs in characters that cannot be shown)"),
]


@pytest.mark.parametrize(("old", "new", "before", "after"), PAIRS)
def test_the_difference_is_visible(old: str, new: str, before: str, after: str):
    assert changed_texts(old, new, 60) == (before, after)


texts = st.text("ab \n\t`'", max_size=90)


@given(texts, texts)
def test_different_texts_are_shown_differently(old: str, new: str):
    before, after = changed_texts(old, new, 30)

    assert (before == after) == (old == new) or old == new
