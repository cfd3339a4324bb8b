"""Operators may change things; everybody else may look."""

import pytest

from bot.domain.commands.access import Operators, may_change, needs_groups


def test_ids_are_sorted_into_users_and_groups():
    operators = Operators.parse(" U123, W45A ,,S999")

    assert operators == Operators(frozenset({"U123", "W45A"}), frozenset({"S999"}))


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_an_empty_setting_is_nobody(text):
    operators = Operators.parse(text)

    assert operators.nobody
    assert not may_change("U123", operators)


def test_a_star_is_everyone():
    operators = Operators.parse("*")

    assert may_change("U999", operators)
    assert not operators.nobody
    assert not needs_groups("U999", operators)


def test_nobody_has_no_id():
    assert not may_change("", Operators.parse("*"))


def test_entries_that_are_no_ids_are_reported_and_let_nobody_in():
    operators = Operators.parse("U123,alice,u456,@bob,C123,**")

    assert operators.invalid == ("alice", "u456", "@bob", "C123", "**")
    assert may_change("U123", operators)
    assert not may_change("alice", operators)


def test_members_of_a_group_may_when_they_are_known():
    operators = Operators.parse("U123,S999")

    assert needs_groups("U456", operators)
    assert not needs_groups("U123", operators)
    assert may_change("U456", operators, {"U456"})
    assert not may_change("U456", operators, {"U789"})
    assert not may_change("U456", operators)
