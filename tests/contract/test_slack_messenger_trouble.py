"""Whatever Slack answers, a verdict arrives, and nothing is posted twice."""

import asyncio

import pytest

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
)
from bot.domain.text.message import Message, Metadata
from bot.runtime.clock import SystemClock
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger
from playground.slack import Content, SlackEmulator
from tests.contract.slack_side import (
    ANN,
    SWARM,
    FastClock,
    a_message,
    a_messenger,
    error_of,
    eventually,
    texts,
)

UPDATE = "chat.update"
POST = "chat.postMessage"


@pytest.mark.parametrize("method", [UPDATE, POST])
async def test_no_call_is_made_before_retry_after(method):
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.rate_limit(method, retry_after=7)
        began = clock.now()
        if method == UPDATE:
            messenger.show(SWARM, ts, a_message("1/5"))
            await eventually(lambda: error_of(slack, UPDATE) == ["ratelimited"])
            await messenger.settle(SWARM, ts, a_message("converged"))
        else:
            await messenger.post(SWARM, a_message("second"))

        assert clock.now() - began >= 7
    assert slack.rates.violations == []
    assert error_of(slack, method)[-2:] == ["ratelimited", ""]


async def test_a_rate_limited_channel_does_not_delay_another():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        other = slack.workspace.add_channel("other", members=[slack.workspace.bot.id]).id
        slack.faults.rate_limit(POST, retry_after=15)
        held = asyncio.create_task(messenger.post(SWARM, a_message("held")))
        await eventually(lambda: error_of(slack, POST) == ["ratelimited"])
        began = clock.now()
        await messenger.post(other, a_message("free"))

        assert clock.now() - began < 10
        await held
    assert slack.rates.violations == []


@pytest.mark.parametrize("trouble", ["status", "drop", "lost answer", "error"])
async def test_a_verdict_survives_slack_errors(trouble):
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        faults = {
            "status": lambda: slack.faults.status(UPDATE, 503, times=3),
            "drop": lambda: slack.faults.drop(UPDATE, times=3),
            "lost answer": lambda: slack.faults.drop(UPDATE, times=2, after_effect=True),
            "error": lambda: slack.faults.fail(UPDATE, "internal_error", times=3),
        }
        faults[trouble]()
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert texts(slack, ts)[-1] == "converged"


async def test_progress_survives_slack_errors():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.status(UPDATE, 500, times=3)
        messenger.show(SWARM, ts, a_message("1/5"))
        await slack.wait_for_message(lambda message: message.text == "1/5")


async def test_a_verdict_that_slack_does_not_accept_in_time_is_returned():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.status(UPDATE, 500, times=1000)
        began = clock.now()
        with pytest.raises(ChatUnavailableError):
            await messenger.settle(SWARM, ts, a_message("converged"))
        assert clock.now() - began < 40
        slack.faults.clear()
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert texts(slack, ts) == ["queued", "converged"]


async def test_a_verdict_is_returned_at_once_if_retry_after_is_too_long():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger, asyncio.timeout(5):
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.rate_limit(UPDATE, retry_after=120)
        for _ in range(2):
            with pytest.raises(ChatUnavailableError, match="wait"):
                await messenger.settle(SWARM, ts, a_message("converged"))

    assert len(slack.calls_of(UPDATE)) == 1
    assert slack.rates.violations == []


async def test_after_slack_was_away_the_verdict_arrives():
    clock = FastClock(10)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        async with slack.down():
            verdict = asyncio.create_task(messenger.settle(SWARM, ts, a_message("converged")))
            await asyncio.wait([verdict], timeout=0.2)
        await verdict

    assert texts(slack, ts) == ["queued", "converged"]


@pytest.mark.parametrize("loss", ["drop", "status"])
async def test_a_post_whose_answer_was_lost_is_not_repeated_but_can_be_found(loss):
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        getattr(slack.faults, loss)(POST, after_effect=True)
        with pytest.raises(ChatUnavailableError):
            await messenger.post(SWARM, a_message("queued", "abc"))
        ts = await messenger.find(SWARM, {"job_id": "abc"})

        assert slack.workspace.messages[SWARM, ts].text == "queued"
        assert len(slack.calls_of(POST)) == 1


async def test_a_post_is_found_although_slack_fails_once_more():
    """Otherwise a message would stay that nobody knows."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        slack.faults.drop(POST, after_effect=True)
        slack.faults.status("conversations.history", 503, times=2)
        with pytest.raises(ChatUnavailableError):
            await messenger.post(SWARM, a_message("queued", "abc"))

        assert await messenger.find(SWARM, {"job_id": "abc"}) != ""


@pytest.mark.parametrize("place", ["thread", "direct"])
async def test_a_reply_or_a_direct_message_without_an_answer_can_be_found(place):
    """Only one with all of the wanted values; the newest of several."""
    wanted = {"job_id": "xyz"}
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        channel = SWARM if place == "thread" else ANN
        thread = await messenger.post(SWARM, a_message("first", "abc"))
        thread = thread if place == "thread" else ""
        assert await messenger.find(channel, wanted, thread) == ""
        await messenger.post(channel, a_message("before", "xyz"), thread)
        slack.faults.drop(POST, after_effect=True)
        with pytest.raises(ChatUnavailableError):
            await messenger.post(channel, a_message("lost", "xyz"), thread)
        ts = await messenger.find(channel, wanted, thread)

        assert [m.text for m in slack.workspace.messages.values() if m.ts == ts] == ["lost"]
        assert await messenger.find(channel, wanted | {"state": "finished"}, thread) == ""


async def test_a_post_that_never_reached_slack_is_repeated():
    clock = FastClock(10)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        async with slack.down():
            post = asyncio.create_task(messenger.post(SWARM, a_message("queued", "abc")))
            await asyncio.wait([post], timeout=0.2)
        ts = await post

    assert [message.ts for message in slack.workspace.messages.values() if message.bot_id] == [ts]


async def test_a_missing_message_is_not_found():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        await messenger.post(SWARM, a_message("queued", "abc"))
        slack.tokens.scopes = frozenset({"chat:write"})

        assert await messenger.find(SWARM, {"job_id": "abc"}) == ""
        assert await messenger.find("C0NOWHERE1", {"job_id": "abc"}) == ""


async def test_the_error_of_a_closed_channel_has_the_next_step():
    async with SlackEmulator() as slack:
        outside = slack.workspace.add_channel("outside", members=[ANN]).id
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url)
        await api.login()
        messenger = Messenger(api, SystemClock())
        with pytest.raises(CannotPostError) as refused:
            await messenger.post(outside, a_message())
        await messenger.close()

    assert "/invite @orochi" in refused.value.hint


async def test_an_archived_channel_and_a_deleted_message_are_reported():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        with pytest.raises(CannotPostError, match="message_not_found"):
            await messenger.settle(SWARM, "1.000000", a_message())
        slack.workspace.channels[SWARM].is_archived = True
        with pytest.raises(CannotPostError, match="archived"):
            await messenger.post(SWARM, a_message())


async def test_progress_of_a_deleted_message_stops_without_delaying_others():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        messenger.show(SWARM, "1.000000", a_message("gone"))
        messenger.show(SWARM, ts, a_message("1/5"))
        await slack.wait_for_message(lambda message: message.text == "1/5")
        messenger.show(SWARM, "1.000000", a_message("gone again"))
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert error_of(slack, UPDATE).count("message_not_found") == 1


async def test_a_verdict_whose_layout_slack_refuses_is_sent_as_plain_text():
    bad = Message("converged 5/5", ({"type": "section"},))
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        await messenger.settle(SWARM, ts, bad)
        await messenger.reply(ANN, SWARM, slack.responses.issue(SWARM, ANN), bad)
        posted = await messenger.post(SWARM, bad)

    assert texts(slack, ts)[-1] == "converged 5/5"
    assert slack.workspace.messages[SWARM, ts].blocks == ()
    assert texts(slack, posted) == ["converged 5/5"]
    assert slack.workspace.shown_to(ANN)[-1].text == "converged 5/5"


async def test_a_message_whose_layout_slack_refuses_can_be_found():
    """After a lost answer it is looked for by its metadata, which goes only if Slack refuses it."""
    blocks = ({"type": "section"},)
    bad = Message("queued", blocks, Metadata("swarm_job", {"job_id": "abc"}))
    worse = Message("planned", blocks, Metadata("swarm_job", {"job_id": "x" * 20_000}))
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        posted = await messenger.post(SWARM, bad)
        alone = await messenger.post(SWARM, worse)
        found = await messenger.find(SWARM, {"job_id": "abc"})

    assert found == posted
    assert slack.workspace.messages[SWARM, posted].blocks == ()
    assert texts(slack, alone) == ["planned"]
    assert slack.workspace.messages[SWARM, alone].metadata is None


async def test_a_revoked_token_is_reported():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        slack.tokens.bot = "xoxb-another"
        with pytest.raises(ChatLoginError):
            await messenger.post(SWARM, a_message())
        with pytest.raises(ChatError):
            await messenger.members("S0OPS00001")


async def test_replies_use_the_url_then_the_channel_when_it_is_used_up():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        url = slack.responses.issue(SWARM, ANN)
        for number in range(6):
            await messenger.reply(ANN, SWARM, url, a_message(f"{number}"))
        await messenger.reply(ANN, SWARM, "", a_message("without"))
        shown = [message.text for message in slack.workspace.shown_to(ANN)]

    assert shown == ["0", "1", "2", "3", "4", "5", "without"]
    assert len(slack.calls_of("chat.postEphemeral")) == 2


async def test_a_reply_honours_retry_after_of_the_url():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        slack.faults.rate_limit("response_url", retry_after=5)
        began = clock.now()
        await messenger.reply(ANN, SWARM, slack.responses.issue(SWARM, ANN), a_message("heard"))

        assert clock.now() - began >= 5
    assert [message.text for message in slack.workspace.shown_to(ANN)] == ["heard"]
    assert slack.calls_of("chat.postEphemeral") == []


async def test_members_are_read_once_a_minute():
    clock = FastClock(100)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        slack.workspace.usergroups["S0OPS00002"] = [ANN]
        asked = await asyncio.gather(*(messenger.members("S0OPS00002") for _ in range(10)))
        assert asked == [frozenset({ANN})] * 10
        assert len(slack.calls_of("usergroups.users.list")) == 1
        slack.workspace.usergroups["S0OPS00002"] = []
        await clock.sleep(61)
        assert await messenger.members("S0OPS00002") == frozenset()


async def test_an_answer_that_slack_refuses_is_replaced_by_its_substitute():
    """For example a table that the workspace's Slack does not know."""

    async def substitute() -> Message:
        return Message("It is in a file.")

    answer = Message("A table", ({"type": "table", "rows": []},), otherwise=substitute)
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        await messenger.reply(ANN, SWARM, "", answer)
        (told,) = slack.workspace.shown_to(ANN)
        assert (told.text, told.blocks) == ("It is in a file.", ())


async def test_progress_whose_layout_slack_refuses_delays_nothing():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        other = await messenger.post(SWARM, a_message("another"))
        messenger.show(SWARM, ts, Message("1/5", ({"type": "section"},)))
        messenger.show(SWARM, other, a_message("progress"))
        await slack.wait_for_message(lambda message: message.text == "progress")
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert texts(slack, ts) == ["queued", "converged"]
    assert error_of(slack, UPDATE).count("invalid_blocks") == 1


@pytest.mark.parametrize("word", ["is_inactive", "invalid_arg_name", "brand_new_word"])
async def test_progress_that_slack_refuses_stops_no_other(word, caplog):
    """It is reported once and not tried again; the other message's progress is not paused."""
    async with SlackEmulator() as slack, a_messenger(slack) as messenger, asyncio.timeout(10):
        ts = await messenger.post(SWARM, a_message("queued"))
        other = await messenger.post(SWARM, a_message("another"))
        slack.faults.fail(UPDATE, word, unlisted=True)
        messenger.show(SWARM, ts, a_message("1/5"))
        await eventually(lambda: error_of(slack, UPDATE) == [word])
        messenger.show(SWARM, ts, a_message("2/5"))
        messenger.show(SWARM, other, a_message("progress"))
        await slack.wait_for_message(lambda message: message.text == "progress")

    assert error_of(slack, UPDATE) == [word, ""]
    assert caplog.text.count("rogress") == 1


async def test_an_answer_goes_to_direct_messages_where_the_bot_may_not_post():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        slack.workspace.channels[SWARM].is_archived = True
        await messenger.reply(ANN, SWARM, "", a_message("for Ann alone"))
        told = await slack.wait_for_message(lambda message: message.text == "for Ann alone")

    assert slack.workspace.channels[told.channel].members == {ANN, slack.workspace.bot.id}


async def test_progress_continues_once_the_token_works_again(caplog):
    clock = FastClock(100)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.fail(UPDATE, "token_revoked")
        messenger.show(SWARM, ts, a_message("1/5"))
        await slack.wait_for_message(lambda message: message.text == "1/5")

    assert "token_revoked" in caplog.text


async def test_a_slack_that_never_answers_is_detected():
    clock = FastClock(20)
    async with (
        SlackEmulator(clock=clock.now) as slack,
        a_messenger(slack, clock, patience=100.0, call_seconds=1.0) as messenger,
    ):
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.hang(UPDATE)
        await messenger.settle(SWARM, ts, a_message("converged"))
        slack.faults.hang(POST)
        with pytest.raises(ChatUnavailableError, match="did not answer"):
            await messenger.post(SWARM, a_message("second"))

    assert texts(slack, ts) == ["queued", "converged"]


@pytest.mark.parametrize("loss", ["drop", "status"])
async def test_a_reply_survives_slack_errors(loss):
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        getattr(slack.faults, loss)("response_url", times=2)
        await messenger.reply(ANN, SWARM, slack.responses.issue(SWARM, ANN), a_message("heard"))

    assert [message.text for message in slack.workspace.shown_to(ANN)] == ["heard"]


async def test_a_reply_to_an_invalid_address_goes_to_the_channel():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        await messenger.reply(ANN, SWARM, "not an address", a_message("heard"))

    assert [message.text for message in slack.workspace.shown_to(ANN)] == ["heard"]


async def test_an_answer_to_one_person_can_be_in_a_thread():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        root = slack.workspace.say(ANN, SWARM, "a thread")
        slack.workspace.say(ANN, SWARM, "a reply", thread_ts=root.ts)
        await messenger.reply(ANN, SWARM, "", a_message("for Ann alone"), thread=root.ts)
        (told,) = slack.workspace.shown_to(ANN)

    assert (told.text, told.thread_ts) == ("for Ann alone", root.ts)


async def test_in_the_direct_conversation_an_answer_stays_unless_it_is_secret():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        channel = slack.workspace.open_direct([ANN]).id
        await messenger.reply(ANN, channel, "", a_message("stays"))
        await messenger.reply(ANN, channel, "", a_message("a token"), secret=True)
        stayed = [message.text for message in slack.workspace.in_channel(channel)]
        (shown,) = slack.workspace.shown_to(ANN)

    assert stayed == ["stays"]
    assert shown.text == "a token"


async def test_only_the_bots_own_messages_say_what_a_thread_is_about():
    """Metadata of other apps could name anything."""
    metadata = {"event_type": "swarm_incident", "event_payload": {"target": "orochi_web"}}
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        await messenger._api.login()
        own = slack.workspace.post(SWARM, Content("an alert", metadata=metadata))
        other = slack.workspace.post(SWARM, Content("an alert", metadata=metadata), user=ANN)
        reply = slack.workspace.post(SWARM, Content("x", metadata=metadata), thread_ts=other.ts)
        bare = slack.workspace.post(SWARM, Content("hello"))
        told = [await messenger.told_in(SWARM, each.ts) for each in (own, other, bare)]
        with pytest.raises(ChatError):
            await messenger.told_in(SWARM, "1.000000")

    assert told == [{"target": "orochi_web"}, {}, {}]
    assert reply.thread_ts == other.ts
