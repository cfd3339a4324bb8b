"""The table of Slack's error words is complete, and every reaction has its error."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    MessageGoneError,
)
from bot.slack.error_words import COMMON, METHODS, Reaction, reaction_to, words_of
from bot.slack.errors import LayoutError, UnknownPersonError, refusal
from playground.slack import SlackEmulator
from tests.slack_errors import PAGE, page

ADAPTER = Path(__file__).parents[3] / "bot" / "slack"
KINDS = {
    Reaction.RETRY: ChatUnavailableError,
    Reaction.LOGIN: ChatLoginError,
    Reaction.SCOPE: ChatLoginError,
    Reaction.LAYOUT: LayoutError,
    Reaction.ABSENT: CannotPostError,
    Reaction.RESTRICTED: CannotPostError,
    Reaction.GONE: MessageGoneError,
    Reaction.PERSON: CannotPostError,
    Reaction.FILE: ChatError,
    Reaction.GROUP: ChatError,
    Reaction.UNKNOWN_PERSON: UnknownPersonError,
    Reaction.HOME: ChatError,
    Reaction.CALL: ChatError,
}
EVERY = [(method, word) for method in METHODS for word in words_of(method)]


def called() -> set[str]:
    """The methods that the adapter calls: the first argument of every ``….call("…")``."""
    methods = set()
    for path in ADAPTER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "call":
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    methods.add(str(first.value))
    return methods


def test_the_table_has_every_method_that_is_called():
    assert called() == set(METHODS)


def test_the_emulator_has_every_method_of_the_table():
    assert set(METHODS) <= set(SlackEmulator().web_api.methods)


@pytest.mark.parametrize(("method", "word"), EVERY)
def test_every_word_has_an_error_of_its_kind(method, word):
    reaction = reaction_to(method, word)
    error = refusal(method, word)

    assert reaction is not None
    if reaction is Reaction.ARCHIVED:
        assert isinstance(error, CannotPostError)
    else:
        assert type(error) is KINDS[reaction]
    assert word in str(error) or word in {"is_archived", "missing_scope"}


def test_each_method_names_its_page_and_no_common_word_twice():
    for method, errors in METHODS.items():
        assert errors.page == f"https://docs.slack.dev/reference/methods/{method}"
        twice = {word for word, reaction in errors.words.items() if COMMON.get(word) is reaction}
        assert twice == set()


def test_the_page_shows_the_table():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_wrong_app_token_is_not_called_the_bots_token():
    error = refusal("apps.connections.open", "invalid_auth")

    assert "app-level token" in error.sentence
    assert "SLACK_APP_TOKEN" in error.hint
    assert "Reinstall" not in error.hint


async def test_the_emulator_injects_known_words_only_unless_asked():
    async with SlackEmulator() as slack:
        slack.faults.fail("chat.update", "is_inactive")
        slack.faults.fail("chat.update", "brand_new_word", unlisted=True)
        with pytest.raises(ValueError, match="brand_new_word"):
            slack.faults.fail("chat.update", "brand_new_word")
