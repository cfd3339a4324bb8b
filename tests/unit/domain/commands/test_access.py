"""Operators can change things; everybody else can only read."""

import pytest

from bot.domain.commands.access import Operators, may_change, needs_groups


def test_ids_are_sorted_into_users_and_groups():
    operators = Operators.parse(" U123, W45A ,,S999")

    assert operators == Operators(frozenset({"U123", "W45A"}), frozenset({"S999"}))


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_an_empty_setting_means_nobody(text):
    operators = Operators.parse(text)

    assert operators.nobody
    assert not may_change("U123", operators)


def test_a_star_means_everyone():
    operators = Operators.parse("*")

    assert may_change("U999", operators)
    assert not operators.nobody
    assert not needs_groups("U999", operators)


def test_an_empty_id_is_not_an_operator():
    assert not may_change("", Operators.parse("*"))


def test_invalid_entries_are_reported_and_match_nobody():
    operators = Operators.parse("U123,alice,u456,@bob,C123,**")

    assert operators.invalid == ("alice", "u456", "@bob", "C123", "**")
    assert may_change("U123", operators)
    assert not may_change("alice", operators)


def test_known_members_of_a_group_are_operators():
    operators = Operators.parse("U123,S999")

    assert needs_groups("U456", operators)
    assert not needs_groups("U123", operators)
    assert may_change("U456", operators, {"U456"})
    assert not may_change("U456", operators, {"U789"})
    assert not may_change("U456", operators)
