"""Messages as Slack's arguments, and Slack's error codes as sentences with a next step."""

import pytest

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    MessageGoneError,
)
from bot.domain.text.message import Message, Metadata
from bot.slack.errors import LayoutError, refusal
from bot.slack.wording import (
    EDIT_TEXT,
    edit_arguments,
    ephemeral_body,
    post_arguments,
    shortened,
)

BLOCK = {"type": "divider"}


def test_a_post_has_text_blocks_metadata_and_no_previews():
    message = Message("hi", (BLOCK,), Metadata("swarm_job", {"job_id": "abc"}))

    assert post_arguments(message) == {
        "text": "hi",
        "blocks": [BLOCK],
        "metadata": {"event_type": "swarm_job", "event_payload": {"job_id": "abc"}},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_an_edit_removes_former_blocks_and_metadata():
    """chat.update keeps fields that are not sent."""
    arguments = edit_arguments(Message("only text"))

    assert arguments["blocks"] == []
    assert arguments["metadata"] == {}


def test_the_text_of_an_edit_fits_the_limit_of_chat_update():
    assert len(edit_arguments(Message("x" * 9000))["text"]) == EDIT_TEXT


def test_text_is_never_cut_inside_an_entity():
    assert shortened("abc&amp;def", 7) == "abc…"
    assert shortened("abc&amp;def", 10) == "abc&amp;d…"
    assert shortened("abc&amp;", 8) == "abc&amp;"


def test_an_ephemeral_message_replaces_nothing():
    body = ephemeral_body(Message("hi", (BLOCK,)))

    assert body["response_type"] == "ephemeral"
    assert body["replace_original"] is False
    assert body["blocks"] == [BLOCK]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("not_in_channel", CannotPostError),
        ("channel_not_found", CannotPostError),
        ("is_archived", CannotPostError),
        ("restricted_action", CannotPostError),
        ("thread_not_found", MessageGoneError),
        ("invalid_auth", ChatLoginError),
        ("token_revoked", ChatLoginError),
        ("missing_scope", ChatLoginError),
        ("internal_error", ChatUnavailableError),
        ("ratelimited", ChatUnavailableError),
        ("invalid_blocks", LayoutError),
        ("something_new", ChatError),
    ],
)
def test_each_of_slacks_error_codes_has_its_kind(word, kind):
    error = refusal("chat.postMessage", word)

    assert type(error) is kind
    assert word in str(error) or word in ("is_archived", "missing_scope")


def test_the_error_of_a_closed_channel_says_how_to_invite_the_bot():
    assert (
        "/invite @orochi" in refusal("chat.postMessage", "not_in_channel", bot_name="orochi").hint
    )


def test_a_missing_scope_is_named():
    assert "groups:history" in str(refusal("x", "missing_scope", needed="groups:history"))
