"""Parts of messages: escaped, cut, dated, counted."""

import pytest

from bot.domain.text.escaping import escape, fit, one_line, quoted, visible
from bot.views.slack.blocks import MOST_BYTES, context, fits, header, packed, section
from bot.views.slack.text import (
    bar,
    code_block,
    duration,
    mention,
    plain,
    plural,
    slack_date,
    slack_time,
)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.64, "0.6 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (90000, "1 d 1 h"),
        (-1, "an unknown time"),
        (float("nan"), "an unknown time"),
        (float("inf"), "an unknown time"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("running", "desired", "drawn"),
    [
        (3, 5, "▰▰▰▱▱ 3/5"),
        (0, 0, "0/0"),
        (5, 5, "▰▰▰▰▰ 5/5"),
        (99, 100, "▰▰▰▰▰▰▰▰▰▱ 99/100"),
        (100, 100, "▰▰▰▰▰▰▰▰▰▰ 100/100"),
        (3, 1, "▰▰▰ 3/1"),
        (1, 0, "▰ 1/0"),
    ],
)
def test_a_bar_is_full_only_when_all_run(running, desired, drawn):
    assert bar(running, desired) == drawn


def test_dates_use_slacks_format_with_a_fallback_in_utc():
    assert slack_date(1e9) == ("<!date^1000000000^{date_short_pretty} {time}|2001-09-09 01:46 UTC>")
    assert slack_time(1e9) == "<!date^1000000000^{time_secs}|01:46:40 UTC>"
    assert slack_date(float("nan")) == slack_date(-5) == "an unknown time"


def test_only_valid_ids_become_mentions():
    assert mention("U123") == "<@U123>"
    assert mention("<!channel>") == "&lt;!channel&gt;"
    assert mention("") == "the bot"


def test_escaped_text_is_shown_literally():
    assert escape("<!channel> & </x>") == "&lt;!channel&gt; &amp; &lt;/x&gt;"
    assert escape("a\x00\u202e\ud800\x1b[1;31mb\x1b]0;title\x07c") == "abc"


def test_lines_are_kept_for_any_line_ending():
    assert visible("a\r\nb\rc\u2028d") == "a\nb\nc\nd"
    assert one_line(" a\r\n\tb\u00a0 c ") == "a b c"


def test_fitted_text_is_never_cut_inside_an_escape():
    assert fit("<<<", 8) == "&lt;…"
    assert fit("<<<", 12) == "&lt;&lt;&lt;"
    assert all(len(fit("a&<é" * 9, length)) <= length for length in range(1, 60))


def test_a_quote_is_one_short_line_of_code():
    assert quoted("a `b`\nc") == "`a 'b' c`"
    assert quoted("") == "(nothing)"
    assert len(quoted("&" * 500)) <= 62


def test_a_code_block_keeps_the_last_lines_that_fit():
    assert code_block("a\nb\n", 100) == "```\na\nb\n```"
    assert code_block("first\nlast", 13) == "```\nlast\n```"
    assert code_block("x" * 50, 20) == "```\n" + "x" * 11 + "…\n```"
    assert code_block(" \n\n", 100) == ""
    assert code_block("", 100) == ""


def test_plain_text_has_no_markup():
    assert plain("<!channel>\n&", 50) == "\uff1c!channel\uff1e &"
    assert plain("wc -l > /dev/null", 50) == "wc -l \uff1e /dev/null"
    assert plain("abcdef", 4) == "abc…"


def test_one_is_singular():
    assert [plural(count, "job") for count in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]


def test_lines_are_packed_into_as_few_paragraphs_as_hold_them():
    blocks = packed(["x" * 1000] * 5 + ["y"])

    assert [len(block["text"]["text"]) for block in blocks] == [2001, 2001, 1002]
    assert packed([]) == []


def test_too_many_or_too_large_blocks_do_not_fit():
    assert fits([section("x")] * 50)
    assert not fits([section("x")] * 51)
    assert not fits([section("é" * 3000)] * (MOST_BYTES // 6000 + 1))


def test_slack_adds_no_links_or_mentions_to_our_texts():
    assert section("x")["text"]["verbatim"] is True
    assert context("x")["elements"][0]["verbatim"] is True
    assert header("x")["text"]["type"] == "plain_text"
