"""The emulator's Web API answers the official client as Slack does, refusals included."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import BOT_SCOPES, BOT_USER_ID, SlackEmulator, Tokens
from playground.slack.limits import MESSAGE_BLOCKS
from tests.unit.playground.slack.kit import posted, refusal_of

SWARM, LOUNGE, SECRET, ATTIC = "C0SWARM001", "C0LOUNGE01", "C0SECRET01", "C0ATTIC001"
ANN = "U0ANN00001"
DIVIDER = {"type": "divider"}
METADATA = {"event_type": "swarm_job", "event_payload": {"job_id": "j1", "verdict": None}}


async def test_the_bot_can_read_its_identity_and_scopes(slack, client):
    answer = await client.auth_test()
    assert answer["user_id"] == BOT_USER_ID
    assert set(answer.headers["X-OAuth-Scopes"].split(",")) == BOT_SCOPES


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xapp-1-emulator-app-token", "not_allowed_token_type"),
    ],
)
async def test_a_wrong_token_is_refused(slack, token, code):
    client = AsyncWebClient(token=token, base_url=slack.base_url)
    assert await refusal_of(client.auth_test()) == code


async def test_a_connection_needs_the_app_token(slack, client):
    assert await refusal_of(client.apps_connections_open(app_token="xapp-1-no")) == "invalid_auth"
    wrong_kind = client.apps_connections_open(app_token=slack.tokens.bot)
    assert await refusal_of(wrong_kind) == "not_allowed_token_type"
    answer = await client.apps_connections_open(app_token=slack.tokens.app)
    assert answer["url"].startswith("ws://127.0.0.1:")


async def test_a_missing_scope_is_named():
    tokens = Tokens(scopes=frozenset({"commands"}))
    async with SlackEmulator(tokens=tokens) as slack:
        client = AsyncWebClient(token=tokens.bot, base_url=slack.base_url)
        with pytest.raises(SlackApiError) as raised:
            await client.chat_postMessage(channel=SWARM, text="x")
    answer = raised.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "commands",
    )


async def test_a_message_keeps_the_history_of_its_edits(slack, client, clock):
    ts = await posted(client, blocks=[DIVIDER], metadata=METADATA)
    clock.now += 2
    await client.chat_update(channel=SWARM, ts=ts, text="running")
    message = slack.workspace.messages[SWARM, ts]
    assert [(edit.at - message.posted_at, edit.content.text) for edit in message.history] == [
        (0, "queued"),
        (2, "running"),
    ]
    assert [block["type"] for block in message.blocks] == ["divider"]
    assert message.payload == {"job_id": "j1", "verdict": None}


async def test_empty_blocks_and_metadata_remove_them(slack, client):
    ts = await posted(client, blocks=[DIVIDER], metadata=METADATA)
    await client.chat_update(channel=SWARM, ts=ts, text="done", blocks=[], metadata={})
    message = slack.workspace.messages[SWARM, ts]
    assert (message.blocks, message.metadata) == ((), None)


async def test_messages_can_be_sent_to_channel_names_and_users(slack, client):
    named = await client.chat_postMessage(channel="#swarm", text="x")
    direct = await client.chat_postMessage(channel=ANN, text="x")
    assert named["channel"] == SWARM
    assert slack.workspace.channels[direct["channel"]].members == {ANN, BOT_USER_ID}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"channel": SECRET, "text": "x"}, "channel_not_found"),
        ({"channel": LOUNGE, "text": "x"}, "not_in_channel"),
        ({"channel": ATTIC, "text": "x"}, "is_archived"),
        ({"channel": SWARM, "text": ""}, "no_text"),
        ({"channel": SWARM, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": SWARM, "text": "x", "blocks": "no json"}, "invalid_blocks_format"),
        ({"channel": SWARM, "text": "x", "blocks": {"a": 1}}, "invalid_blocks_format"),
        ({"channel": SWARM, "text": "x", "blocks": [{"type": "knob"}]}, "invalid_blocks"),
        ({"channel": SWARM, "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": SWARM, "text": "x", "attachments": [{"blocks": 1}]}, "invalid_attachments"),
        ({"channel": SWARM, "text": "x", "metadata": "no json"}, "invalid_metadata_format"),
        (
            {"channel": SWARM, "text": "x", "metadata": {"event_type": "x"}},
            "invalid_metadata_format",
        ),
        ({"channel": SWARM, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        (
            {
                "channel": SWARM,
                "text": "x",
                "blocks": [{"type": "markdown", "text": "x" * 2400}] * 5 + [DIVIDER] * 45,
            },
            "msg_blocks_too_long",
        ),
    ],
)
async def test_a_message_is_refused(slack, client, arguments, code):
    assert await refusal_of(client.api_call("chat.postMessage", json=arguments)) == code
    assert slack.workspace.in_channel(SWARM) == []


async def test_a_missing_channel_is_a_missing_argument(client):
    refused = client.api_call("chat.postMessage", params={"text": "x"})
    assert await refusal_of(refused) == "invalid_arguments"


async def test_the_error_of_invalid_blocks_has_reason_and_location(client):
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel=SWARM, text="x", blocks=[{"type": "section"}])
    assert raised.value.response["response_metadata"]["messages"] == [
        "[ERROR] must define either `text` or `fields` [json-pointer:/blocks/0]"
    ]


async def test_the_strict_check_refuses_a_wrong_structure(slack, client):
    block = {"type": "alert", "text": {"type": "plain_text", "text": "x"}, "level": "loud"}
    refused = client.chat_postMessage(channel=SWARM, text="x", blocks=[block])
    assert await refusal_of(refused) == "invalid_blocks"


async def test_edits_are_refused_as_by_slack(slack, client, clock):
    ts = await posted(client)
    own = slack.workspace.say(ANN, SWARM, "mine").ts
    slack.workspace.edit_window = 60
    for change, code in [
        ({"ts": "1.000001"}, "message_not_found"),
        ({"channel": "#swarm"}, "channel_not_found"),
        ({"ts": own}, "cant_update_message"),
        ({"text": "x" * 4_001}, "msg_too_long"),
        ({"text": ""}, "no_text"),
        ({"blocks": [DIVIDER] * (MESSAGE_BLOCKS + 1)}, "invalid_blocks"),
    ]:
        arguments = {"channel": SWARM, "ts": ts, "text": "x"} | change
        assert await refusal_of(client.api_call("chat.update", json=arguments)) == code
    clock.now += 61
    late = client.chat_update(channel=SWARM, ts=ts, text="x")
    assert await refusal_of(late) == "edit_window_closed"


async def test_a_deleted_message_is_gone(slack, client):
    ts = await posted(client)
    message = slack.workspace.messages[SWARM, ts]
    await client.chat_delete(channel=SWARM, ts=ts)
    assert message.deleted_at is not None
    again = client.chat_update(channel=SWARM, ts=ts, text="x")
    assert await refusal_of(again) == "message_not_found"
    theirs = slack.workspace.say(ANN, SWARM, "mine").ts
    assert await refusal_of(client.chat_delete(channel=SWARM, ts=theirs)) == "cant_delete_message"


async def test_an_ephemeral_message_is_for_one_member_only(slack, client):
    slack.workspace.add_user("eve")
    await client.chat_postEphemeral(channel=SWARM, user=ANN, text="for you")
    assert [m.text for m in slack.workspace.shown_to(ANN)] == ["for you"]
    assert slack.workspace.in_channel(SWARM) == []
    outside = client.chat_postEphemeral(channel=SWARM, user="U0EVE00001", text="x")
    assert await refusal_of(outside) == "user_not_in_channel"
    assert await refusal_of(client.chat_postEphemeral(channel=LOUNGE, user=ANN, text="x")) == (
        "not_in_channel"
    )


async def test_history_has_metadata_only_when_asked_for(client):
    await posted(client, metadata=METADATA)
    without = await client.conversations_history(channel=SWARM)
    with_it = await client.conversations_history(channel=SWARM, include_all_metadata=True)
    assert "metadata" not in without["messages"][0]
    assert with_it["messages"][0]["metadata"] == METADATA


async def test_history_is_paged_newest_first_without_replies(slack, client):
    first = await posted(client)
    await client.chat_postMessage(channel=SWARM, text="reply", thread_ts=first)
    slack.workspace.say(ANN, SWARM, "second")
    page = await client.conversations_history(channel=SWARM, limit=1)
    cursor = page["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel=SWARM, limit=1, cursor=cursor)
    assert [m["text"] for m in page["messages"]] == ["second"]
    assert [(m["text"], m["reply_count"]) for m in rest["messages"]] == [("queued", 1)]
    assert (page["has_more"], rest["has_more"]) == (True, False)


async def test_history_can_be_limited_in_time(slack, client):
    times = [slack.workspace.say(ANN, SWARM, str(n)).ts for n in range(3)]
    bounds = {"oldest": times[0], "latest": times[2]}
    inner = await client.conversations_history(channel=SWARM, **bounds)
    outer = await client.conversations_history(channel=SWARM, inclusive=True, **bounds)
    assert [m["text"] for m in inner["messages"]] == ["1"]
    assert len(outer["messages"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": LOUNGE}, "not_in_channel"),
        ({"channel": SECRET}, "channel_not_found"),
        ({"channel": SWARM, "limit": 1000}, "invalid_limit"),
        ({"channel": SWARM, "limit": "many"}, "invalid_arguments"),
        ({"channel": SWARM, "cursor": "next:x"}, "invalid_cursor"),
    ],
)
async def test_history_is_refused(client, arguments, code):
    refused = client.api_call("conversations.history", http_verb="GET", params=arguments)
    assert await refusal_of(refused) == code


async def test_a_thread_is_listed_oldest_first(client):
    first = await posted(client)
    await client.chat_postMessage(channel=SWARM, text="reply", thread_ts=first)
    thread = await client.conversations_replies(channel=SWARM, ts=first)
    assert [m["text"] for m in thread["messages"]] == ["queued", "reply"]
    missing = client.conversations_replies(channel=SWARM, ts="1.000001")
    assert await refusal_of(missing) == "thread_not_found"


async def test_a_channel_says_whether_the_bot_is_in_it_and_whether_it_is_archived(client):
    swarm = (await client.conversations_info(channel=SWARM))["channel"]
    attic = (await client.conversations_info(channel=ATTIC))["channel"]
    assert (swarm["is_member"], swarm["is_archived"], swarm["name"]) == (True, False, "swarm")
    assert attic["is_archived"] is True
    assert await refusal_of(client.conversations_info(channel=SECRET)) == "channel_not_found"


async def test_people_and_groups_can_be_read(slack, client):
    slack.workspace.add_usergroup("S0OPS00001", [ANN])
    assert (await client.users_info(user=ANN))["user"]["name"] == "ann"
    assert (await client.usergroups_users_list(usergroup="S0OPS00001"))["users"] == [ANN]
    assert await refusal_of(client.users_info(user="U0NOBODY01")) == "user_not_found"
    missing = client.usergroups_users_list(usergroup="S0NONE0001")
    assert await refusal_of(missing) == "no_such_subteam"


async def test_a_direct_conversation_is_opened_once(client):
    first = await client.conversations_open(users=[ANN])
    second = await client.conversations_open(users=[ANN])
    assert first["channel"]["id"] == second["channel"]["id"]
    assert first["channel"]["id"].startswith("D")
    assert await refusal_of(client.conversations_open(users=["U0NOBODY01"])) == "user_not_found"


async def test_arguments_come_from_query_form_and_json_alike(slack):
    url = f"{slack.base_url}chat.postMessage"
    bearer = {"Authorization": f"Bearer {slack.tokens.bot}"}
    arguments = {"channel": SWARM, "blocks": json.dumps([DIVIDER])}
    as_json = {"channel": SWARM, "blocks": [DIVIDER]}
    token = {"token": slack.tokens.bot}
    async with aiohttp.ClientSession() as session:
        requests = [
            session.get(url, params=arguments, headers=bearer),
            session.post(url, params=arguments, headers=bearer),
            session.post(url, data=arguments | token),
            session.post(url, json=as_json, headers=bearer),
            session.post(url, params={"text": "both"}, json=as_json, headers=bearer),
        ]
        answers = [await (await request).json() for request in requests]
    assert all(answer["ok"] for answer in answers), answers
    assert answers[-1]["message"]["text"] == "both"


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("{", "application/json", "invalid_json"),
        ("[]", "application/json", "json_not_object"),
        ("x", "text/plain", "invalid_post_type"),
        ('{"token": "xoxb-emulator-bot-token"}', "application/json", "not_authed"),
    ],
)
async def test_a_body_that_slack_cannot_read_is_refused(slack, body, content_type, code):
    async with aiohttp.ClientSession() as session:
        answer = await session.post(
            f"{slack.base_url}auth.test", data=body, headers={"Content-Type": content_type}
        )
        assert (await answer.json())["error"] == code


async def test_api_test_echoes_and_an_unknown_method_is_an_error(client):
    assert (await client.api_test(foo="bar"))["args"]["foo"] == "bar"
    assert await refusal_of(client.api_test(error="my_error")) == "my_error"
    assert await refusal_of(client.api_call("chat.shout")) == "unknown_method"


async def test_every_call_is_recorded(slack, client):
    await posted(client)
    await refusal_of(client.chat_update(channel=SWARM, ts="1.000001", text="x"))
    assert [(call.method, call.error) for call in slack.calls] == [
        ("chat.postMessage", ""),
        ("chat.update", "message_not_found"),
    ]
    assert slack.calls_of("chat.postMessage")[0].arguments["text"] == "queued"
