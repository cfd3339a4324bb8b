"""Refusals, errors and help: what was wrong, what would be right, whether something changed."""

import pytest

from bot.domain.commands.access import Operators
from bot.domain.commands.names import NotFound
from bot.domain.commands.table import COMMANDS, Defaults, Help, Reply
from bot.domain.errors import BotError, RefusedError
from bot.views.errors import (
    already_done,
    done,
    failed,
    not_an_operator,
    refused,
    reply_message,
    unknown_service,
)
from bot.views.help import help_message
from tests.unit.hostile import assert_slack_takes, shown

DEFAULTS = Defaults(command="/x", service="web", max_replicas=7)


def said(message, people=()):
    assert_slack_takes(message, people)
    assert shown(message).startswith(message.text)
    return message.text


def test_a_refusal_has_the_next_step_and_says_that_nothing_was_changed():
    assert said(refused("No.", "Do `this`.")) == "No.\nDo `this`.\nNothing was changed."


def test_that_nothing_was_changed_is_said_once():
    assert said(refused("No.", "Nothing was changed. Again?")).lower().count("nothing was") == 1


def test_words_from_outside_are_escaped():
    assert said(refused("<!channel> & co")).startswith("&lt;!channel&gt; &amp; co\n")
    assert said(done("<@U123> done")) == "&lt;@U123&gt; done"


def test_an_error_has_a_reference_for_the_log_and_a_refusal_has_none():
    error = BotError("Redis does not answer.", hint="Try again.")

    assert said(failed(error)) == (
        "Redis does not answer.\nTry again.\nNothing was changed.\n"
        f"Reference for the log: `{error.ref}`"
    )
    assert "Reference" not in said(failed(RefusedError("No.")))


def test_an_unknown_result_is_not_claimed():
    assert "changed" not in said(failed(BotError("No answer."), unchanged=False))


def test_a_parsers_reply_is_shown_unchanged():
    assert said(reply_message(Reply("`a&lt;b` is wrong.", "Right: `c`"))) == (
        "`a&lt;b` is wrong.\nRight: `c`\nNothing was changed."
    )


def test_a_read_command_does_not_say_that_nothing_was_changed():
    assert said(reply_message(Reply("No.", "Try: `c`", changes=False))) == "No.\nTry: `c`"
    assert said(refused("No answer.", unchanged=False)) == "No answer."


def test_a_viewer_learns_whom_to_ask():
    text = said(not_an_operator(Operators.parse("U123,S456")), {"U123"})

    assert text == "Only operators can do that. Ask <@U123>.\nNothing was changed."
    group = said(not_an_operator(Operators.parse("S456")))
    assert "Ask a member of the operators' user group.\n" in group
    many = said(not_an_operator(Operators.parse("U1A,U2A,U3A,U4A")), {"U1A", "U2A", "U3A"})
    assert "Ask <@U1A> or <@U2A> or <@U3A>, or another operator.\n" in many
    assert "No operators are set. Set `BOT_OPERATORS`." in said(not_an_operator(Operators()))


def test_the_person_who_pressed_first_is_mentioned():
    text = said(already_done("already did <this>.", "UBOB"), {"UBOB"})

    assert text == "<@UBOB> already did &lt;this&gt;."


def test_an_unknown_service_is_answered_with_similar_names():
    found = NotFound(
        "wrker", ("worker01", "worker02"), known=("django", "worker01"), stack="orochi"
    )

    assert said(failed(unknown_service(found, "/orochi"))) == (
        "There is no service `wrker` in the stack `orochi`.\n"
        "Did you mean `worker01` or `worker02`?\nNothing was changed."
    )


def test_an_unknown_service_without_similar_names_is_answered_with_all():
    found = NotFound("zzz", known=tuple(f"s{n:02}" for n in range(25)), stack="orochi")
    text = said(failed(unknown_service(found, "/orochi")))

    assert "Services: `s00`, `s01`" in text
    assert "`s19` and more." in text


def test_an_ambiguous_name_is_answered_with_both():
    found = NotFound("REDIS", ("orochi_Redis", "orochi_redis"), ambiguous=True)

    assert said(failed(unknown_service(found, "/orochi"))).startswith(
        "`REDIS` matches `orochi_Redis` and `orochi_redis`.\nType the exact name."
    )


def test_a_service_of_an_empty_stack_is_answered_with_a_question():
    text = said(failed(unknown_service(NotFound("web", stack="orochi"), "/orochi")))

    assert "The stack `orochi` has no services. Is it deployed?" in text


def test_an_unknown_stack_is_answered_with_where_to_list_them():
    text = said(failed(unknown_service(NotFound("shop/"), "/o")))

    assert text.startswith("There is no stack `shop`.\nTo list the stacks: `/o stacks`")


def test_help_names_every_command_and_its_role():
    text = said(help_message(Help(), DEFAULTS))

    for row in COMMANDS:
        (line,) = [each for each in text.split("\n") if each.startswith(f"`/x {row.usage}`")]
        assert row.summary in line
        assert ("for operators" in line) is row.changes


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_help_on_a_command_has_its_examples_with_the_settings_filled_in(row):
    text = said(help_message(Help(row.name), DEFAULTS))

    assert all(f"`/x {example}`" in text for example, _ in row.examples)
    assert "{" not in text
    if row.name == "scale":
        assert "The default service is `web`." in text
        assert "at most 7; 0 stops the service" in text
