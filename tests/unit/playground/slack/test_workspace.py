"""Files, views and the stream of changes, as the official client and subscribers see them."""

import asyncio

import aiohttp
import pytest

from playground.slack import Content, Workspace
from tests.unit.playground.slack.kit import posted, refusal_of

SWARM = "C0SWARM001"
ANN = "U0ANN00001"
DIVIDER = {"type": "divider"}


async def test_a_file_is_uploaded_in_three_steps_and_shared(slack, client):
    await client.files_upload_v2(
        channel=SWARM, filename="logs.txt", content="exit 1", initial_comment="the last lines"
    )
    message = await slack.wait_for_message(lambda m: m.files)
    file = slack.workspace.files[message.files[0].id]
    assert (message.text, file.name, file.content) == ("the last lines", "logs.txt", b"exit 1")


async def test_a_file_that_was_not_sent_cannot_be_completed(slack, client):
    asked = await client.files_getUploadURLExternal(filename="x", length=3)
    unsent = client.files_completeUploadExternal(files=[{"id": asked["file_id"], "title": "x"}])
    assert await refusal_of(unsent) == "file_not_found"
    async with aiohttp.ClientSession() as session:
        async with session.post(asked["upload_url"], data=b"four") as answer:
            assert answer.status == 400
        async with session.post(f"{slack.root_url}/upload/v1/F0NONE", data=b"x") as answer:
            assert answer.status == 404


def modal(**more):
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Logs"},
        "blocks": [DIVIDER],
    } | more


async def test_a_modal_needs_a_fresh_trigger_and_is_updated_by_its_hash(slack, client, clock):
    trigger, stale = slack.workspace.new_trigger(ANN), slack.workspace.new_trigger(ANN)
    opened = (await client.views_open(trigger_id=trigger, view=modal()))["view"]
    changed = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal())
    assert changed["view"]["hash"] != opened["hash"]
    old = client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal())
    assert await refusal_of(old) == "hash_conflict"
    again = client.views_open(trigger_id=trigger, view=modal())
    assert await refusal_of(again) == "exchanged_trigger_id"
    unknown = client.views_open(trigger_id="1.2.3", view=modal())
    assert await refusal_of(unknown) == "invalid_trigger_id"
    clock.now += 4
    late = client.views_open(trigger_id=stale, view=modal())
    assert await refusal_of(late) == "expired_trigger_id"
    assert await refusal_of(client.views_update(view_id="V0", view=modal())) == "not_found"


async def test_a_view_is_refused_beyond_its_limits(slack, client):
    long = modal(title={"type": "plain_text", "text": "x" * 25})
    refused = client.views_open(trigger_id=slack.workspace.new_trigger(ANN), view=long)
    assert await refusal_of(refused) == "invalid_arguments"
    huge = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2900}}] * 99
    refused = client.views_open(
        trigger_id=slack.workspace.new_trigger(ANN), view=modal(blocks=huge)
    )
    assert await refusal_of(refused) == "view_too_large"


async def test_a_home_tab_can_be_published_again(slack, client):
    home = {"type": "home", "blocks": [DIVIDER]}
    first = await client.views_publish(user_id=ANN, view=home)
    second = await client.views_publish(user_id=ANN, view=home)
    assert first["view"]["id"] == second["view"]["id"]
    nobody = client.views_publish(user_id="U0NOBODY01", view=home)
    assert await refusal_of(nobody) == "user_not_found"


async def test_changes_are_streamed_as_of_their_time(slack, client):
    with slack.workspace.subscribe() as changes:
        ts = await posted(client)
        await client.chat_update(channel=SWARM, ts=ts, text="running")
        seen = [await anext(changes) for _ in range(5)]
    assert [(c.kind, c.message and c.message.text) for c in seen] == [
        ("call", None),
        ("posted", "queued"),
        ("answered", None),
        ("call", None),
        ("edited", "running"),
    ]


async def test_a_short_lived_state_is_not_missed():
    workspace = Workspace.furnished()
    message = workspace.say(ANN, SWARM, "one")

    def flip() -> None:
        workspace.edit(message, Content("two"))
        workspace.edit(message, Content("three"))

    asyncio.get_running_loop().call_soon(flip)
    found = await workspace.until(lambda: message.text if message.text == "two" else None, 5)
    assert (found, message.text) == ("two", "three")


async def test_a_timeout_names_the_existing_messages(slack, client):
    await posted(client)
    with pytest.raises(TimeoutError, match="queued"):
        await slack.wait_for_message(lambda m: m.text == "done", timeout=0.01)


async def test_an_error_in_the_predicate_is_raised_to_the_waiter(slack, client):
    await posted(client)
    with pytest.raises(ZeroDivisionError):
        await slack.wait_for_message(lambda m: bool(1 / 0))


def test_identifiers_look_like_slacks_and_times_never_repeat():
    workspace = Workspace(clock=lambda: 5.0)
    assert workspace.add_user("ann").id == ANN
    assert workspace.add_channel("swarm").id == SWARM
    assert [workspace.next_ts() for _ in range(2)] == ["5.000000", "5.000001"]


async def test_a_press_in_a_home_tab_names_its_block(slack, client):
    texts = [("one", "first"), ("two", "second")]
    blocks = [
        {
            "type": "section",
            "block_id": block,
            "text": {"type": "mrkdwn", "text": block},
            "accessory": {
                "type": "button",
                "action_id": "restart",
                "value": value,
                "text": {"type": "plain_text", "text": "Restart"},
            },
        }
        for block, value in texts
    ]
    await client.views_publish(user_id=ANN, view={"type": "home", "blocks": blocks})
    (tab,) = slack.workspace.views.values()
    pressed = await slack.press_in_view(tab, "restart", block_id="two")
    (action,) = pressed.payload["actions"]
    assert (action["block_id"], action["value"]) == ("two", "second")
    assert pressed.payload["container"] == {"type": "view", "view_id": tab.id}
    assert pressed.payload["user"]["id"] == ANN
    assert "channel" not in pressed.payload
    with pytest.raises(LookupError, match="no restart is shown"):
        await slack.press_in_view(tab, "restart", block_id="three")
