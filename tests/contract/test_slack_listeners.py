"""Commands and buttons arrive in the same form in both modes, and are always answered in time."""

import asyncio
import json
import logging

import pytest
from slack_bolt.async_app import AsyncAck

from bot.domain.errors import RefusedError
from bot.domain.text.message import Message
from bot.runtime.tasks import Background
from bot.slack import app as slack_app
from bot.slack.app import Listeners
from bot.slack.requests import command_request, delivery_key, press_request
from playground.slack import Content
from tests.contract.slack_side import (
    ANN,
    COMMAND,
    MODES,
    SWARM,
    a_button,
    a_message,
    connected,
)

pytestmark = pytest.mark.parametrize("mode", MODES)


async def test_a_command_arrives_complete(mode):
    async with connected(mode) as side:
        delivery = await side.slack.command(COMMAND, "scale django 2")

    (request,) = side.received.requests
    assert delivery.ok
    assert delivery.body is None
    assert (request.user, request.channel, request.text) == (ANN, SWARM, "scale django 2")
    assert request.key == delivery.trigger_id
    assert request.reply_url == delivery.response_url


async def test_the_answer_to_a_command_is_in_the_response(mode):
    async def receive(request):
        return a_message(f"no such thing: {request.text}")

    async with connected(mode, receive) as side:
        delivery = await side.slack.command(COMMAND, "scael 5")

    assert delivery.ok
    assert delivery.shown is not None
    assert delivery.shown.only_for == ANN
    assert delivery.shown.text == "no such thing: scael 5"
    assert len(delivery.shown.blocks) == 1
    assert side.slack.calls_of("chat.postEphemeral") == []


async def test_a_press_arrives_complete(mode):
    async with connected(mode) as side:
        ts = await side.messenger.post(SWARM, a_button("job.cancel", "abc"))
        delivery = await side.slack.press(side.slack.workspace.messages[SWARM, ts], "job.cancel")

    (request,) = side.pressed.requests
    assert delivery.ok
    assert (request.action_id, request.value, request.message) == ("job.cancel", "abc", ts)
    assert (request.user, request.channel) == (ANN, SWARM)
    assert request.key == delivery.trigger_id


async def test_the_answer_to_a_press_is_visible_to_the_person_only(mode):
    async def press(_request):
        return a_message("only operators may do that")

    async with connected(mode, press=press) as side:
        ts = await side.messenger.post(SWARM, a_button())
        message = side.slack.workspace.messages[SWARM, ts]
        delivery = await side.slack.press(message, "job.cancel")
        shown = await side.slack.wait_for_ephemeral()

    assert delivery.ok
    assert shown.text == "only operators may do that"
    assert message.text == "a button"
    assert message.edits == []


async def test_the_same_delivery_twice_has_the_same_key(mode):
    async with connected(mode) as side:
        first = await side.slack.command(COMMAND, "scale 5")
        again = await side.slack.replay(first)

    assert again.ok
    keys = [request.key for request in side.received.requests]
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_two_commands_have_different_keys(mode):
    async with connected(mode) as side:
        await side.slack.command(COMMAND, "scale 5")
        await side.slack.command(COMMAND, "scale 5")

    assert len({request.key for request in side.received.requests}) == 2


async def test_a_failure_inside_is_answered_with_its_reference(mode, caplog):
    async def receive(_request):
        raise ZeroDivisionError("<!channel> secret detail")

    async with connected(mode, receive) as side:
        delivery = await side.slack.command(COMMAND, "scale 5")

    assert delivery.ok
    assert delivery.shown is not None
    assert "secret detail" not in delivery.shown.text
    (record,) = [each for each in caplog.records if each.exc_info]
    reference = record.getMessage().split("(")[1].split(")")[0]
    assert f"`{reference}`" in delivery.shown.text


async def test_a_press_that_fails_is_answered_with_its_reference(mode, caplog):
    async def press(_request):
        raise ZeroDivisionError

    async with connected(mode, press=press) as side:
        ts = await side.messenger.post(SWARM, a_button())
        message = side.slack.workspace.messages[SWARM, ts]
        delivery = await side.slack.press(message, "job.cancel")
        shown = await side.slack.wait_for_ephemeral()

    assert delivery.ok
    assert "Reference" in shown.text
    assert any(record.exc_info for record in caplog.records)


async def test_a_bot_error_is_answered_with_its_own_sentence(mode):
    async def receive(_request):
        raise RefusedError("No service <x>.", hint="Try worker01.")

    async with connected(mode, receive) as side:
        delivery = await side.slack.command(COMMAND, "scale x 5")

    assert delivery.shown is not None
    assert "No service &lt;x&gt;.\nTry worker01." in delivery.shown.text


async def test_a_command_that_takes_too_long_is_acked_and_answered_later(mode, monkeypatch):
    release = asyncio.Event()

    async def receive(_request):
        await release.wait()
        return a_message("at last")

    monkeypatch.setattr(slack_app, "ACK_PATIENCE", 0.05)
    async with connected(mode, receive) as side:
        delivery = await side.slack.command(COMMAND, "status")
        assert delivery.ok
        assert delivery.shown is None
        release.set()
        shown = await side.slack.wait_for_ephemeral()

    assert shown.text == "at last"


async def test_an_unconfigured_slash_command_is_answered(mode):
    async with connected(mode) as side:
        delivery = await side.slack.command("/other", "scale 5")

    assert delivery.ok
    assert delivery.shown is not None
    assert "`/orochi`" in delivery.shown.text
    assert side.received.requests == []


async def test_bolt_does_not_silence_the_bots_own_log(mode):
    async with connected(mode) as side:
        await side.slack.command(COMMAND, "scale 5")

    assert logging.getLogger("bot").level == logging.NOTSET


async def test_receiving_a_command_makes_no_call_to_slack(mode):
    async with connected(mode) as side:
        before = len(side.slack.calls)
        await side.slack.command(COMMAND, "scale 5")

        assert len(side.slack.calls) == before


async def test_a_command_in_flight_at_shutdown_is_answered(mode):
    began, release = asyncio.Event(), asyncio.Event()

    async def receive(_request):
        began.set()
        await release.wait()
        return a_message("done before the end")

    async with connected(mode, receive) as side:
        command = asyncio.create_task(side.slack.command(COMMAND, "scale 5"))
        await began.wait()
        stopping = asyncio.create_task(side.service.stop_listening())
        await asyncio.sleep(0)
        release.set()
        delivery = await command

        assert await stopping
    assert delivery.ok
    assert delivery.shown is not None
    assert delivery.shown.text == "done before the end"


async def test_nothing_is_accepted_after_shutdown(mode):
    async with connected(mode) as side:
        await side.service.stop_listening()
        delivery = await side.slack.command(COMMAND, "scale 5")

    assert not delivery.ok
    assert side.received.requests == []


async def test_a_hanging_listener_does_not_block_the_shutdown(mode, caplog):
    began = asyncio.Event()

    async def receive(_request):
        began.set()
        await asyncio.Event().wait()

    async with connected(mode, receive) as side:
        side.slack.courier.ack_limit = 0.2
        command = asyncio.create_task(side.slack.command(COMMAND, "scale 5"))
        await began.wait()
        with caplog.at_level(logging.ERROR, "bot.slack"):
            async with asyncio.timeout(2):
                assert not await side.service.stop_listening(0.05)
        await command


def test_payloads_with_missing_fields_are_handled(mode):
    request = press_request({"actions": []})
    assert (request.user, request.channel, request.action_id, request.message) == ("",) * 4
    assert command_request({}).key == command_request({}).key != command_request({"a": 1}).key


def test_a_choice_in_a_menu_is_a_value(mode):
    action = {"action_id": "incident.silence", "selected_option": {"value": "30m"}}
    payload = json.loads(json.dumps({"actions": [action], "container": {"channel_id": "C1"}}))

    assert press_request(payload).value == "30m"
    assert press_request(payload).channel == "C1"
    assert delivery_key({"trigger_id": "1.2"}) == "1.2"


async def test_an_answer_that_cannot_be_sent_is_logged(mode, caplog):
    async def press(_request):
        return Message("unheard")

    async def reply(*_arguments, **_named):
        raise RefusedError("no way")

    in_flight = Background()

    await Listeners(press, press, reply, in_flight).press(AsyncAck(), {"trigger_id": "1"})
    assert await in_flight.drain(1.0)
    assert "no way" in caplog.text


async def test_a_message_arrives_complete_and_its_answer_is_in_the_thread(mode):
    async def hear(_request):
        return a_message("not understood")

    async with connected(mode, hear=hear) as side:
        root = side.slack.workspace.say(ANN, SWARM, "a thread")
        said = await side.slack.say("<@U0BOT00001>\u00a0statsu", thread=root.ts)
        shown = await side.slack.wait_for_ephemeral()

    (request,) = side.heard.requests
    assert (request.user, request.channel, request.text) == (ANN, SWARM, "statsu")
    assert (request.message, request.thread) == (said.ts, root.ts)
    assert request.spoken is not None
    assert request.spoken.name == "@orochi"
    assert (shown.text, shown.thread_ts) == ("not understood", root.ts)


async def test_a_message_is_acked_when_it_was_handled_or_at_the_latest_in_time(mode, monkeypatch):
    """So Slack sends it again if the bot is lost before; the answer comes later."""
    monkeypatch.setattr(slack_app, "ACK_PATIENCE", 0.2)
    release = asyncio.Event()

    async def hear(request):
        if request.text == "slow":
            await release.wait()
        return a_message(request.text)

    async with connected(mode, hear=hear) as side:
        await side.slack.say("<@U0BOT00001> slow")
        (delivery,) = side.slack.courier.deliveries
        release.set()
        await side.slack.wait_for_ephemeral()

    assert delivery.ok
    assert (delivery.latency or 0) >= 0.2


async def test_acks_of_messages_are_measured_and_those_of_other_events_are_not(mode):
    acked: list[float] = []
    async with connected(mode, acked=acked.append) as side:
        await side.slack.say("<@U0BOT00001> status")
        direct = side.slack.workspace.open_direct([ANN]).id
        side.slack.workspace.post(direct, Content("the bot's own"))
        await side.slack.event({"type": "app_home_opened", "user": ANN, "tab": "home"})
        await side.slack.workspace.until(
            lambda: all(each.ended for each in side.slack.courier.deliveries) or None, 5
        )

    assert len(acked) == 1
