"""Lines of a list on a phone."""

from __future__ import annotations

from bot.views.slack.phone import LINE, alike


def test_all_lines_of_a_list_have_the_form_in_which_each_fits():
    """A number that only some lines have room for reads as if the others had none."""
    short, long = ("a · 4 CPU", "a"), ("b" * (LINE - 5) + " · 4 CPU", "b" * (LINE - 5))

    assert alike([short, short]) == ["a · 4 CPU", "a · 4 CPU"]
    assert alike([short, long]) == ["a", "b" * (LINE - 5)]


def test_a_line_that_fits_in_no_form_gets_the_shortest():
    assert alike([("x" * 90, "x" * 80)]) == ["x" * 80]
    assert alike([]) == []
