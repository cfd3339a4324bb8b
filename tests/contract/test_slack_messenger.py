"""Messages reach Slack in the right order, at the right time, and only once."""

import asyncio
import time
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from bot.domain.errors import (
    ChatError,
    ChatUnavailableError,
    LeaseLostError,
)
from bot.loops.lease import Lease
from bot.slack.edits import EDITS, RESERVE
from playground.slack import SlackEmulator
from tests.chaos.ways import Way
from tests.contract.slack_side import (
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


async def test_a_post_has_its_blocks_and_metadata():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued", "abc"))
        message = slack.workspace.messages[SWARM, ts]

    assert message.text == "queued"
    assert len(message.blocks) == 1
    assert message.payload == {"job_id": "abc"}


async def test_a_post_can_go_to_a_thread():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        below = await messenger.post(SWARM, a_message("done, <@U0ANN00001>"), thread=ts)

    assert slack.workspace.messages[SWARM, below].thread_ts == ts


async def test_the_address_of_a_message_is_known_after_the_login():
    """It is built from what `auth.test` says of the workspace."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        assert messenger.permalink(SWARM, ts) == ""
        await messenger._api.login()
        address = f"https://emulated.slack.com/archives/{SWARM}/p{ts.replace('.', '')}"

        assert messenger.permalink(SWARM, ts) == address
        assert messenger.permalink(SWARM, "") == ""


async def test_progress_is_coalesced_to_the_newest_state():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        for number in range(100):
            messenger.show(SWARM, ts, a_message(f"state {number}"))
        await slack.wait_for_message(lambda message: message.text == "state 99")

    assert texts(slack, ts) == ["queued", "state 99"]


async def test_nothing_is_sent_when_nothing_changed():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("running"))
        messenger.show(SWARM, ts, a_message("running"))
        messenger.show(SWARM, ts, a_message("2/5"))
        await slack.wait_for_message(lambda message: message.text == "2/5")
        messenger.show(SWARM, ts, a_message("2/5"))
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert texts(slack, ts) == ["running", "2/5", "converged"]


async def test_one_job_is_shown_about_once_a_second():
    clock = FastClock(20)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        began = clock.now()
        for number in range(40):
            messenger.show(SWARM, ts, a_message(f"{number}"))
            await clock.sleep(0.25)
        seconds = clock.now() - began

    edits = len(texts(slack, ts)) - 1
    assert 6 <= edits <= seconds + 1
    assert slack.rates.violations == []


async def test_a_verdict_drops_pending_progress():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        messenger.show(SWARM, ts, a_message("1/5"))
        await slack.wait_for_message(lambda message: message.text == "1/5")
        messenger.show(SWARM, ts, a_message("2/5"))
        await messenger.settle(SWARM, ts, a_message("converged"))

    assert texts(slack, ts) == ["queued", "1/5", "converged"]


async def test_progress_after_the_verdict_is_not_shown():
    clock = FastClock(50)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        other = await messenger.post(SWARM, a_message("another"))
        await messenger.settle(SWARM, ts, a_message("converged"))
        messenger.show(SWARM, ts, a_message("late progress"))
        messenger.show(SWARM, other, a_message("progress"))
        await slack.wait_for_message(lambda message: message.text == "progress")

    assert texts(slack, ts) == ["queued", "converged"]


async def test_a_verdict_waits_for_the_running_edit():
    """Otherwise the older edit could reach Slack last and overwrite the verdict."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.hang(UPDATE)
        messenger.show(SWARM, ts, a_message("1/5"))
        await eventually(lambda: slack.faults.pending(UPDATE) == 0)
        verdict = asyncio.create_task(messenger.settle(SWARM, ts, a_message("converged")))
        await asyncio.wait([verdict], timeout=0.1)
        assert not verdict.done()
        assert texts(slack, ts) == ["queued"]
        slack.faults.release()
        await verdict

    assert texts(slack, ts) == ["queued", "1/5", "converged"]


async def test_two_verdicts_of_one_message_arrive_in_order():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        slack.faults.slow(UPDATE, 0.1)
        first = asyncio.create_task(messenger.settle(SWARM, ts, a_message("converged")))
        await eventually(lambda: slack.faults.pending(UPDATE) == 0)
        await messenger.settle(SWARM, ts, a_message("revised: crash_looping"))
        await first

    assert texts(slack, ts) == ["queued", "converged", "revised: crash_looping"]


async def test_a_verdict_is_not_delayed_by_the_progress_of_many():
    clock = FastClock(10)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        jobs = [await messenger.post(SWARM, a_message(f"job {number}")) for number in range(12)]
        for number in range(10):
            for ts in jobs:
                messenger.show(SWARM, ts, a_message(f"state {number}"))
            await clock.sleep(1.0)
        began = clock.now()
        await asyncio.gather(*(messenger.settle(SWARM, ts, a_message("end")) for ts in jobs[:5]))
        waited = clock.now() - began

    assert RESERVE >= 5
    assert waited < 5.0
    assert all(texts(slack, ts)[-1] == "end" for ts in jobs[:5])


async def test_fifty_jobs_keep_within_the_budget_and_every_verdict_arrives():
    clock = FastClock(40)
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        jobs = [await messenger.post(SWARM, a_message(f"job {number}")) for number in range(50)]
        for number in range(60):
            for ts in jobs:
                messenger.show(SWARM, ts, a_message(f"state {number}"))
            await clock.sleep(1.0)

        async def until_delivered(ts: str) -> None:
            delivered = False
            while not delivered:
                messenger.show(SWARM, ts, a_message("late progress"))
                try:
                    await messenger.settle(SWARM, ts, a_message("verdict"))
                    delivered = True
                except ChatUnavailableError:
                    await clock.sleep(5.0)

        await asyncio.gather(*(until_delivered(ts) for ts in jobs))

    assert slack.rates.violations == []
    assert {texts(slack, ts)[-1] for ts in jobs} == {"verdict"}
    assert len(slack.calls_of(UPDATE)) > EDITS.per_minute


async def test_progress_requested_during_an_edit_comes_after_it():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("firing"))
        slack.faults.hang(UPDATE)
        edit = asyncio.create_task(messenger.edit(SWARM, ts, a_message("acknowledged")))
        await slack.wait_for_calls(UPDATE)
        messenger.show(SWARM, ts, a_message("acknowledged, 3 times"))
        slack.faults.release()
        await edit
        await slack.wait_for_message(lambda message: message.text == "acknowledged, 3 times")

    assert texts(slack, ts) == ["firing", "acknowledged", "acknowledged, 3 times"]


async def test_an_edit_drops_the_progress_before_it():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("firing"))
        messenger.show(SWARM, ts, a_message("2 times"))
        await slack.wait_for_message(lambda message: message.text == "2 times")
        messenger.show(SWARM, ts, a_message("3 times"))
        await messenger.edit(SWARM, ts, a_message("resolved"))
        messenger.show(SWARM, ts, a_message("firing again"))
        await slack.wait_for_message(lambda message: message.text == "firing again")

    assert texts(slack, ts) == ["firing", "2 times", "resolved", "firing again"]


async def test_a_settled_message_accepts_progress_again_after_an_edit():
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("firing"))
        await messenger.settle(SWARM, ts, a_message("resolved"))
        await messenger.edit(SWARM, ts, a_message("firing again"))
        messenger.show(SWARM, ts, a_message("2 times"))
        await slack.wait_for_message(lambda message: message.text == "2 times")

    assert texts(slack, ts) == ["firing", "resolved", "firing again", "2 times"]


async def test_a_messenger_that_lost_its_right_to_post_sends_nothing():
    """This is checked when its turn comes, not when it was requested."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("firing"))
        other = await messenger.post(SWARM, a_message("another"))
        may = True
        slack.faults.hang(UPDATE)
        messenger.show(SWARM, ts, a_message("2 times"), still=lambda: may)
        await slack.wait_for_calls(UPDATE)
        messenger.show(SWARM, ts, a_message("3 times"), still=lambda: may)
        may = False
        slack.faults.release()
        with pytest.raises(LeaseLostError):
            await messenger.edit(SWARM, ts, a_message("resolved"), still=lambda: may)
        with pytest.raises(LeaseLostError):
            await messenger.post(SWARM, a_message("a new one"), still=lambda: may)
        messenger.show(SWARM, ts, a_message("4 times"), still=lambda: may)
        messenger.show(SWARM, other, a_message("progress"))
        await slack.wait_for_message(lambda message: message.text == "progress")
        messenger.show(SWARM, ts, a_message("5 times"), still=lambda: True)
        await slack.wait_for_message(lambda message: message.text == "5 times")

    assert texts(slack, ts) == ["firing", "2 times", "5 times"]
    assert len(slack.calls_of(POST)) == 2


@pytest.mark.parametrize("how", ["show", "edit"])
async def test_what_a_silent_network_holds_is_not_delivered_after_the_lease(how: str):
    """Another replica has shown the verdict by then."""
    async with AsyncExitStack() as ending, SlackEmulator(strict=True) as slack:
        way = Way(urlsplit(slack.base_url).port or 0, forgets=True)
        await way.listen()
        ending.push_async_callback(way.close)
        async with (
            a_messenger(slack) as other,
            a_messenger(slack, base_url=f"http://127.0.0.1:{way.port}/api/") as messenger,
        ):
            ts = await messenger.post(SWARM, a_message("running"))
            way.cut(silent=True)
            lease = Lease(time.monotonic() + 2.0)
            editing = None
            if how == "edit":
                coming = messenger.edit(SWARM, ts, a_message("2/5"), still=lease.still)
                editing = asyncio.create_task(coming)
            else:
                messenger.show(SWARM, ts, a_message("2/5"), still=lease.still)
            await way.withheld.wait()
            await eventually(lambda: not lease.holds())
            await other.settle(SWARM, ts, a_message("converged"))
            way.mend()
            await messenger.post(SWARM, a_message("what the mended way delivers first"))
            if editing:
                with pytest.raises((LeaseLostError, ChatUnavailableError)):
                    await editing

    assert texts(slack, ts) == ["running", "converged"]


async def test_posts_to_one_channel_keep_within_a_message_a_second():
    clock = FastClock(10)  # at 50, a request that is 20 ms late counts as a second
    async with SlackEmulator(clock=clock.now) as slack, a_messenger(slack, clock) as messenger:
        posts = (messenger.post(SWARM, a_message(f"{number}")) for number in range(15))
        await asyncio.gather(*posts)

    assert slack.rates.violations == []
    assert len(slack.calls_of(POST)) == 15


async def test_consecutive_calls_share_a_connection():
    async with SlackEmulator() as slack, a_messenger(slack) as messenger:
        ts = await messenger.post(SWARM, a_message("queued"))
        for number in range(5):
            await messenger.settle(SWARM, ts, a_message(f"{number}"))

        assert slack._runner is not None
        assert slack._runner.server is not None
        assert len(slack._runner.server.connections) == 1


async def test_nothing_is_sent_or_waits_after_the_end():
    async with SlackEmulator() as slack, asyncio.timeout(5):
        async with a_messenger(slack) as messenger:
            ts = await messenger.post(SWARM, a_message("queued"))
        messenger.show(SWARM, ts, a_message("late"))
        with pytest.raises(ChatError, match="shutting down"):
            await messenger.settle(SWARM, ts, a_message("late"))

    assert texts(slack, ts) == ["queued"]


async def test_the_end_waits_for_the_running_edit():
    async with SlackEmulator() as slack:
        async with a_messenger(slack) as messenger:
            ts = await messenger.post(SWARM, a_message("queued"))
            slack.faults.slow(UPDATE, 0.1)
            messenger.show(SWARM, ts, a_message("1/5"))
            await eventually(lambda: slack.faults.pending(UPDATE) == 0)

        assert error_of(slack, UPDATE) == [""]
