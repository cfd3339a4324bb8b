"""Which messages are commands to the bot, and what is known of them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.ports import Spoken
from bot.slack.requests import press_request, spoken_request

BOT = "U0BOT00001"
TS, ROOT = "1800000002.000100", "1800000001.000100"
MENTION = {
    "type": "app_mention",
    "user": "U0ANN00001",
    "text": f"<@{BOT}> status",
    "channel": "C0SWARM001",
    "ts": TS,
    "event_ts": TS,
}
DIRECT = MENTION | {
    "type": "message",
    "channel_type": "im",
    "channel": "D0ANN00001",
    "text": "status",
}


def heard(event: dict[str, Any], **outer: Any) -> Any:
    return spoken_request({"event": event, "event_id": "Ev1"} | outer, BOT, "orochi")


def test_a_mention_is_a_command():
    request = heard(MENTION)

    assert (request.user, request.channel, request.text) == ("U0ANN00001", "C0SWARM001", "status")
    assert request.spoken == Spoken("@orochi")
    assert (request.message, request.thread, request.answers_in) == (TS, "", TS)
    assert request.key == f"C0SWARM001:{TS}"
    assert request.reply_url == ""
    assert request.team == ""


def test_a_message_in_the_direct_conversation_is_a_command():
    request = heard(DIRECT)

    assert (request.text, request.spoken) == ("status", Spoken(""))
    assert request.spoken.direct
    assert request.answers_in == ""


def test_in_a_thread_everything_goes_there():
    mention, direct = heard(MENTION | {"thread_ts": ROOT}), heard(DIRECT | {"thread_ts": ROOT})

    assert (mention.thread, mention.answers_in) == (ROOT, ROOT)
    assert (direct.thread, direct.answers_in) == (ROOT, ROOT)


def test_the_first_message_of_a_thread_is_in_none():
    assert heard(MENTION | {"thread_ts": TS}).thread == ""


def test_a_name_within_a_sentence_is_no_command():
    request = heard(MENTION | {"text": f"thanks <@{BOT}>"})

    assert request.spoken == Spoken("@orochi", begins=False)


def test_in_the_direct_conversation_the_name_may_be_left_out_or_not():
    assert heard(DIRECT | {"text": f"<@{BOT}> status"}).text == "status"
    assert heard(DIRECT | {"text": f"thanks <@{BOT}>"}).spoken == Spoken("")


def test_the_persons_own_workspace_counts():
    assert heard(MENTION | {"team": "T1"}, team_id="T1").team == ""
    assert heard(MENTION | {"user_team": "T2", "team": "T1"}).team == "T2"
    assert heard(MENTION | {"source_team": "T2"}).team == "T2"


def test_a_channel_of_slack_connect_is_marked():
    assert heard(MENTION, is_ext_shared_channel=True).spoken.shared
    assert not heard(MENTION, is_ext_shared_channel=False).spoken.shared


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_a_message_with_a_file_or_shown_in_the_channel_counts(subtype):
    assert heard(DIRECT | {"subtype": subtype}).text == "status"


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B0ROBOT001"},
        {"user": BOT},
        {"user": "USLACKBOT"},
        {"user": ""},
        {"edited": {"user": "U0ANN00001", "ts": TS}},
        {"hidden": True},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
    ],
)
@pytest.mark.parametrize("event", [MENTION, DIRECT], ids=["mention", "direct"])
def test_bots_edits_and_notices_are_no_commands(event, more):
    assert heard(event | more) is None


@pytest.mark.parametrize("kind", ["channel", "group", "mpim", ""])
def test_messages_that_do_not_mention_the_bot_are_no_commands(kind):
    assert heard(DIRECT | {"channel_type": kind}) is None


def test_an_edited_message_has_the_same_key():
    assert heard(MENTION).key == heard(MENTION | {"text": f"<@{BOT}> ps"}).key


def test_an_empty_payload_is_no_command():
    assert spoken_request({}, BOT, "orochi") is None


@pytest.mark.parametrize(("thread", "found"), [(ROOT, ROOT), (TS, ""), (None, "")])
def test_a_press_knows_the_thread_of_its_message(thread, found):
    container = {"message_ts": TS, "channel_id": "C1"} | ({"thread_ts": thread} if thread else {})
    assert press_request({"actions": [{}], "container": container}).thread == found
    message = {"ts": TS} | ({"thread_ts": thread} if thread else {})
    assert press_request({"actions": [{}], "message": message}).thread == found
