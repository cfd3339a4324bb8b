"""A command that was accepted is begun, whatever happens to the replica that accepted it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.domain.errors import BotError, LeaseLostError
from bot.domain.jobs.model import Job, PendingCommand
from bot.jobs.orphans import Orphans
from bot.jobs.submit import answer_instead, forget, queue
from bot.loops.housekeeping import every
from bot.ports import Held
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import cancel_all
from bot.slack.messenger import Messenger
from bot.store.jobs import RedisJobs
from bot.views.errors import done
from bot.views.jobs.message import job_message
from playground.slack import BOT_USER_ID, SlackEmulator
from tests.contract.conftest import OpenJobs
from tests.contract.job_kit import (
    PATIENCE,
    a_job,
    a_pending_command,
    deliveries,
    finish,
    taken,
)
from tests.contract.replica_kit import CLOCK, Replica, a_replica
from tests.contract.slack_side import ANN, SWARM, a_message, a_messenger, eventually
from tests.lab.redis import RedisServer

LEASE = 0.5


async def adopted(jobs: RedisJobs) -> tuple[Held, ...]:
    """The commands of lost replicas, as soon as there are any."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await jobs.adopt_commands()):  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0.05)
    return found


async def posted_by_a_lost_replica(
    slack: SlackEmulator, messenger: Messenger, replica: Replica
) -> tuple[PendingCommand, Job]:
    """A command of a replica that was lost after it had posted the job's message as queued."""
    pending = replace(
        a_pending_command(), user=ANN, channel=SWARM, received=CLOCK.now(),
        reply_url=slack.responses.issue(SWARM, ANN),
    )  # fmt: skip
    job = replace(a_job("web", job_id=pending.id), channel=SWARM, user=ANN)
    ts = await messenger.post(SWARM, job_message(job, CLOCK.now()))
    await replica.jobs.accept(pending)
    return pending, replace(job, message=ts)


@pytest.mark.parametrize("claim", ["", "1"], ids=["of its acceptance", "renewed"])
async def test_a_lost_replicas_command_goes_to_one_other(open_jobs: OpenJobs, claim: str):
    """The first replica notices when it comes back, however late: it does not take it back."""
    lost, other = await open_jobs(lease=LEASE), await open_jobs(lease=LEASE)
    pending = a_pending_command()
    await lost.accept(pending)
    assert await other.adopt_commands() == ()
    (held,) = await adopted(other)
    assert held.pending == pending
    with pytest.raises(LeaseLostError):
        await lost.keep_command(Held(pending, 0.0, claim))
    assert (await other.keep_command(held)).pending == pending


async def test_a_command_that_is_done_with_is_not_lost(open_jobs: OpenJobs):
    jobs = await open_jobs(lease=LEASE)
    pending = a_pending_command()
    await jobs.accept(pending)
    held = await jobs.keep_command(Held(pending, 0.0))
    await jobs.submit(a_job("web", job_id=pending.id))
    assert (await jobs.keep_command(held)).claim == ""
    await asyncio.sleep(LEASE * 2)
    assert await jobs.adopt_commands() == ()


async def test_a_young_command_is_begun_and_an_old_one_is_told(redis_server: RedisServer):
    """Begun means here: the answer names the engine, which is away."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        url = slack.responses.issue(SWARM, ANN)
        young = replace(
            a_pending_command(), user=ANN, channel=SWARM, reply_url=url, received=CLOCK.now()
        )
        await replica.jobs.accept(young)
        looking = asyncio.create_task(every(0.1, replica.router.adopt_lost, CLOCK))
        told = await slack.wait_for_ephemeral(ANN, lambda m: "ngine" in m.shown_text, timeout=60)
        assert "interrupted" not in told.shown_text

        old = replace(young, id="zzzzzz", key="other", received=CLOCK.now() - 61)
        await replica.jobs.accept(old)
        await slack.wait_for_ephemeral(ANN, lambda m: "interrupted" in m.shown_text, timeout=60)
        await cancel_all([looking])


async def test_a_replica_that_lost_a_command_does_not_answer_it(redis_server: RedisServer):
    """It was frozen. Its error is not the answer: another replica begins the command."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        url = slack.responses.issue(SWARM, ANN)
        pending = replace(a_pending_command(), user=ANN, channel=SWARM, reply_url=url)
        await replica.jobs.accept(pending)

        async def failing(_: PendingCommand) -> None:
            raise BotError("Redis does not answer.")

        replica.router._spawn(Held(pending, time.monotonic() - 1), failing)
        await replica.ctx.background.drain(PATIENCE)
        assert slack.workspace.shown_to(ANN) == []
        assert await replica.jobs.is_pending(pending.id)


async def test_a_lost_command_that_gets_no_job_any_more_is_not_begun_again(
    redis_server: RedisServer,
):
    """Its message would go back from refused to queued."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        young = replace(
            a_pending_command(), user=ANN, channel=SWARM, received=CLOCK.now(),
            reply_url=slack.responses.issue(SWARM, ANN),
        )  # fmt: skip
        await replica.jobs.accept(young)
        await replica.jobs.refuse(young.id)
        looking = asyncio.create_task(every(0.1, replica.router.adopt_lost, CLOCK))
        told = await slack.wait_for_ephemeral(ANN, timeout=60)
        await cancel_all([looking])
        assert "interrupted" in told.shown_text


async def test_a_replica_whose_command_another_one_finished_stops_beginning_it(
    redis_server: RedisServer,
):
    """It was frozen; a second message would have no job."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        pending = a_pending_command()
        await replica.jobs.accept(pending)
        await replica.jobs.submit(a_job("web", job_id=pending.id))
        late = Held(pending, time.monotonic() - 1)
        async with asyncio.timeout(PATIENCE):
            await replica.ctx.intake.begin(late, asyncio.Event().wait)


async def test_a_replica_that_lost_a_command_does_not_delete_it(redis_server: RedisServer):
    """After an outage of Redis it first asks whether the command is still its own."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as lost,
        a_replica(redis_server.url, messenger, lease=LEASE) as other,
    ):
        pending = a_pending_command()
        await lost.jobs.accept(pending)
        await adopted(other.jobs)
        late = Held(pending, time.monotonic() - 1, claim="1")
        await lost.ctx.intake.begin(late, lambda: forget(lost.ctx, pending.id))
        assert await other.jobs.is_pending(pending.id)


async def test_a_command_that_gets_no_job_any_more_shows_it_when_slack_is_back(
    redis_server: RedisServer,
):
    """Until then it stays pending, for another replica if this one is lost."""
    async with (
        SlackEmulator(strict=True) as slack,
        hasty_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger) as replica,
    ):
        pending = replace(a_pending_command(), user=ANN, channel=SWARM)
        job = replace(a_job("web", job_id=pending.id), user=ANN, channel=SWARM)
        await replica.jobs.accept(pending)
        await replica.jobs.refuse(pending.id)
        slack.faults.status("chat.update", 503, times=4)
        queueing = asyncio.create_task(queue(replica.ctx, pending, job))
        message = await slack.wait_for_message(lambda m: m.payload.get("job_id") == job.id)
        assert await replica.jobs.is_pending(pending.id)
        await queueing
        assert message.payload["verdict"] == "refused"
        assert not await replica.jobs.is_pending(pending.id)
        assert await replica.jobs.load(job.id) is None


@asynccontextmanager
async def hasty_messenger(slack: SlackEmulator) -> AsyncIterator[Messenger]:
    """A messenger that gives a call up soon."""
    async with a_messenger(slack) as messenger:
        yield Messenger(messenger._api, CLOCK, patience=0.1)


async def test_a_cancellation_of_a_lost_replica_is_carried_out(redis_server: RedisServer):
    """It was accepted; its button would not be pressed again."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        job = replace(a_job("web"), channel=SWARM)
        await replica.jobs.submit(job)
        pending = replace(
            a_pending_command(), text=f"cancel {job.id}", user=ANN, channel=SWARM,
            reply_url=slack.responses.issue(SWARM, ANN), received=CLOCK.now(),
        )  # fmt: skip
        await replica.jobs.accept(pending)
        looking = asyncio.create_task(every(0.1, replica.router.adopt_lost, CLOCK))
        await slack.wait_for_ephemeral(ANN, lambda m: "removed" in m.shown_text, timeout=60)
        async with asyncio.timeout(PATIENCE):
            while await replica.jobs.is_pending(pending.id):  # noqa: ASYNC110 - the store has no event
                await asyncio.sleep(0.05)
        await cancel_all([looking])
        assert await replica.jobs.active() == ()


async def test_a_message_whose_job_redis_lost_is_settled(redis_server: RedisServer):
    """One whose job is known stays; a verdict that its message does not show is delivered."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, delivers=True) as replica,
    ):
        jobs = replica.jobs
        await jobs.accept(replace(a_pending_command(), channel=SWARM))
        lost, queued, ended = (replace(a_job("web"), channel=SWARM, user=ANN) for _ in range(3))
        shown = {}
        for job in (lost, queued, ended):
            shown[job.id] = await messenger.post(SWARM, job_message(job, CLOCK.now()))
        await jobs.submit(replace(ended, message=shown[ended.id]))
        done = await finish(jobs, await taken(jobs))
        await slack.wait_for_message(lambda m: m.thread_ts == shown[ended.id])
        async with asyncio.timeout(PATIENCE):
            while await deliveries(jobs):  # noqa: ASYNC110 - the store has no event
                await asyncio.sleep(0.05)
        await messenger.edit(SWARM, shown[ended.id], job_message(ended, CLOCK.now()))
        await jobs.submit(replace(queued, message=shown[queued.id]))

        later = replace(replica.ctx, clock=Later())
        await Orphans(later).settle()

        messages = slack.workspace.messages
        assert "lost" in messages[SWARM, shown[lost.id]].shown_text
        assert messages[SWARM, shown[queued.id]].payload["state"] == "queued"
        ended_message = messages[SWARM, shown[ended.id]]
        await eventually(lambda: ended_message.payload["verdict"] == "converged", 30.0)
        assert done.message == shown[ended.id]


async def test_a_message_in_a_thread_whose_job_redis_lost_is_settled(redis_server: RedisServer):
    """The command was given in a thread of an alert, and under a mention of the bot."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger) as replica,
    ):
        await replica.jobs.accept(replace(a_pending_command(), channel=SWARM))
        alert = await messenger.post(SWARM, a_message())
        asked = (
            slack.workspace.say(ANN, SWARM, f"<@{BOT_USER_ID}> restart", thread_ts=alert),
            slack.workspace.say(ANN, SWARM, f"<@{BOT_USER_ID}> restart web"),
        )
        jobs = [replace(a_job("web"), channel=SWARM, user=ANN) for _ in asked]
        shown = [
            await messenger.post(SWARM, job_message(job, CLOCK.now()), thread)
            for job, thread in zip(jobs, (alert, asked[1].ts), strict=True)
        ]

        await Orphans(replace(replica.ctx, clock=Later())).settle()

        for ts in shown:
            assert "lost" in slack.workspace.messages[SWARM, ts].shown_text


class Later(SystemClock):
    """Ten minutes later."""

    def now(self) -> float:
        return super().now() + 600


async def test_a_command_without_an_answer_is_withdrawn_unless_another_replica_begins_it(
    open_jobs: OpenJobs,
):
    """Its replica has told that it may still begin; what another has begun of it, stands."""
    lost, other = await open_jobs(lease=LEASE), await open_jobs(lease=LEASE)
    begun, left = a_pending_command(), replace(a_pending_command(), key="other")
    await lost.accept(begun)
    (held,) = await adopted(other)
    await lost.accept(left)
    lost._refused |= {begun.id, left.id}

    await lost.abandoned_commands(60)

    assert held.pending == begun
    assert await other.is_pending(begun.id)
    assert await other.submit(a_job("web", job_id=begun.id)) == 0
    assert await other.submit(a_job("web", job_id=left.id)) == -1


async def test_the_message_of_a_lost_replica_is_closed_where_another_finds_no_need_of_a_job(
    redis_server: RedisServer,
):
    """The lost one has posted a plan; meanwhile another job made what it would have made."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        pending, job = await posted_by_a_lost_replica(slack, messenger, replica)
        (held,) = await adopted(replica.jobs)
        said = done("Nothing to deploy.")
        await replica.ctx.intake.begin(
            held, lambda: answer_instead(replica.ctx, pending, said), adopted=True
        )

        message = slack.workspace.messages[SWARM, job.message]
        assert message.payload["state"] == "finished"
        assert "Nothing to deploy." in message.shown_text
        await slack.wait_for_ephemeral(ANN, lambda m: "Nothing to deploy." in m.shown_text)
        assert not await replica.jobs.is_pending(pending.id)
        assert await replica.jobs.submit(job) == -1


async def test_the_message_of_a_lost_replica_is_closed_where_another_cannot_begin_its_command(
    redis_server: RedisServer,
):
    """The lost one has posted it as queued; the engine does not answer the other one."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=LEASE) as replica,
    ):
        _, job = await posted_by_a_lost_replica(slack, messenger, replica)
        looking = asyncio.create_task(every(0.1, replica.router.adopt_lost, CLOCK))
        await slack.wait_for_ephemeral(ANN, lambda m: "ngine" in m.shown_text, timeout=60)
        await cancel_all([looking])

        message = slack.workspace.messages[SWARM, job.message]
        assert message.payload["state"] == "finished"
        assert "ngine" in message.shown_text
        assert await replica.jobs.submit(job) == -1
