"""Verdicts posted to Slack, and commands that a lost replica left: with real Redis and Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.domain.commands.access import Operators
from bot.domain.commands.values import Defaults
from bot.domain.convergence.goal import ConvergenceLimits
from bot.domain.jobs.model import Job, JobState, PendingCommand
from bot.domain.jobs.verdict import Verdict
from bot.drawing.pictures import Pictures
from bot.jobs.context import Context
from bot.jobs.intake import Intake
from bot.loops.delivery import GIVE_UP_SECONDS, DeliveryLoop
from bot.loops.evidence import EvidenceReader
from bot.loops.home import Home
from bot.loops.observer import Observer
from bot.network.readiness import HttpProbeClient
from bot.network.tcp import TcpReachability
from bot.ports import Swarm
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import Background, cancel_all
from bot.slack.messenger import Messenger
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.keys import StoreLimits
from bot.store.plans import RedisPlans
from bot.store.versions import RedisVersions
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.nodes import DockerNodes
from bot.swarm.one_offs import DockerOneOffs
from bot.swarm.poll_feed import PollFeed
from bot.swarm.registry import DockerRegistry
from bot.swarm.service_logs import DockerServiceLogs
from bot.swarm.stack_objects import DockerStackObjects
from bot.swarm.stacks.record import DockerStacks
from bot.swarm.volumes import DockerVolumes
from bot.views.jobs.message import job_message, thread_mention
from handlers.router import Router
from handlers.table import handlers
from playground.slack import Message
from tests.contract.job_kit import a_job, done
from tests.contract.slack_side import ANN, SWARM, connected

CLOCK = SystemClock()
NOWHERE = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def delivering(jobs, messenger) -> AsyncIterator[None]:
    """A running delivery loop."""
    deliveries = DeliveryLoop(
        jobs, messenger, CLOCK, lambda job: job_message(job, CLOCK.now()), thread_mention
    )
    loop = asyncio.create_task(deliveries.run())
    try:
        yield
    finally:
        await cancel_all([loop])


async def finished_job(
    jobs, messenger, channel: str = SWARM, late: float = 0.0, *, probation: bool = False
) -> Job:
    """A job with its message that finished just now, or ``late`` seconds ago."""
    job = replace(a_job("web"), user=ANN, channel=channel, created=CLOCK.now())
    ts = await messenger.post(channel, job_message(job, CLOCK.now()))
    job = replace(job, message=ts)
    await jobs.submit(job)
    lease = await jobs.take(5.0)
    assert lease is not None
    ended = replace(done(job), state=JobState.FINISHED, finished=CLOCK.now() - late)
    await jobs.finish(lease, ended, probation=probation)
    return ended


async def test_a_verdict_is_the_last_edit_and_mentions_the_requester(jobs):
    """One edit of the job's message, one mention in its thread."""
    async with connected("socket") as side, delivering(jobs, side.messenger):
        job = await finished_job(jobs, side.messenger)
        reply = await side.slack.wait_for_message(lambda m: m.thread_ts == job.message != m.ts)
        message = side.slack.workspace.messages[(SWARM, job.message)]
        assert message.payload["verdict"] == "converged"
        assert f"<@{ANN}>" in reply.text


async def test_a_verdict_whose_message_was_deleted_is_posted_again(jobs):
    """Somebody deleted the job's message: the verdict is still posted to the channel."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        side.slack.workspace.delete(side.slack.workspace.messages[(SWARM, job.message)])
        async with delivering(jobs, side.messenger):
            anew = await side.slack.wait_for_message(
                lambda m: m.ts != job.message and m.payload.get("verdict") == "converged"
            )
    assert anew.channel == SWARM


async def test_a_verdict_whose_channel_was_closed_goes_to_the_person(jobs):
    """The channel was archived meanwhile: the verdict is sent as a direct message."""
    async with connected("socket") as side:
        await finished_job(jobs, side.messenger)
        side.slack.workspace.channels[SWARM].is_archived = True
        async with delivering(jobs, side.messenger):
            direct = await side.slack.wait_for_message(
                lambda m: m.channel != SWARM and m.payload.get("verdict") == "converged"
            )
    assert side.slack.workspace.channels[direct.channel].is_direct


async def direct_verdict(side) -> str:
    """The text of the verdict that comes as a direct message."""
    direct = await side.slack.wait_for_message(
        lambda m: side.slack.workspace.channels[m.channel].is_direct
    )
    return str(direct.text)


@pytest.mark.parametrize("word", ["invalid_arg_name", "brand_new_word"])
async def test_a_verdict_that_slack_refuses_for_good_is_sent_to_the_person_once(jobs, word, caplog):
    """Neither the edit nor a new message is accepted: one direct message, no retries."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        slack = side.slack
        slack.faults.fail("chat.update", word, unlisted=True)
        slack.faults.fail("chat.postMessage", word, unlisted=True)
        async with delivering(jobs, side.messenger):
            assert "Converged" in await direct_verdict(side)
            await until_delivered(jobs)
    assert len(slack.calls_of("chat.update")) == 1
    assert [m.text for m in slack.workspace.in_channel(SWARM)] == [
        slack.workspace.messages[(SWARM, job.message)].text
    ]
    assert caplog.text.count("word that this bot does not know") == 2 * (word == "brand_new_word")


async def test_a_verdict_whose_thread_is_locked_is_sent_to_the_person(jobs):
    """The message can be edited, but nobody would be notified."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        side.slack.faults.fail("chat.postMessage", "restricted_action_thread_locked")
        async with delivering(jobs, side.messenger):
            assert f"<@{ANN}>" in await direct_verdict(side)
        message = side.slack.workspace.messages[(SWARM, job.message)]
        assert message.payload["verdict"] == "converged"


async def test_a_verdict_that_cannot_be_edited_for_long_is_posted_as_a_new_message(jobs):
    """Slack fails on the edit alone (update_failed): not tried for ever."""
    async with connected("socket") as side:
        side.slack.faults.fail("chat.update", "update_failed", times=100)
        job = await finished_job(jobs, side.messenger, late=GIVE_UP_SECONDS + 30)
        hasty = Messenger(side.messenger._api, CLOCK, patience=0.1)
        async with delivering(jobs, hasty):
            anew = await side.slack.wait_for_message(
                lambda m: m.ts != job.message and m.payload.get("verdict") == "converged"
            )
            await until_delivered(jobs)
    assert anew.channel == SWARM


def notices(side) -> list[Message]:
    """What the bot posted to notify the person: mentions and verdicts posted anew."""
    found = side.slack.workspace.messages.values()
    return [m for m in found if f"<@{ANN}>" in m.text or m.payload.get("verdict")]


@pytest.mark.parametrize("loss", ["drop", "status"])
async def test_a_mention_whose_answer_was_lost_is_not_repeated(jobs, loss):
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        getattr(side.slack.faults, loss)("chat.postMessage", after_effect=True)
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(side.slack.workspace.in_thread(SWARM, job.message)) == 2


async def test_a_mention_that_never_took_effect_is_repeated(jobs):
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        side.slack.faults.drop("chat.postMessage")
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(side.slack.workspace.in_thread(SWARM, job.message)) == 2


async def test_a_mention_by_a_lost_replica_is_not_repeated(open_jobs):
    """It was lost before it could note that Slack had answered."""
    jobs = await open_jobs(limits=StoreLimits(claim_seconds=1))
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        side.slack.faults.hang("chat.postMessage", after_effect=True)
        async with delivering(jobs, side.messenger):
            await side.slack.wait_for_message(lambda m: m.thread_ts == job.message != m.ts)
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(side.slack.workspace.in_thread(SWARM, job.message)) == 2


async def test_a_mention_to_the_person_alone_is_not_repeated(jobs):
    """The thread is locked, and the answer to the direct message is lost."""
    async with connected("socket") as side:
        await finished_job(jobs, side.messenger)
        side.slack.faults.fail("chat.postMessage", "restricted_action_thread_locked")
        side.slack.faults.drop("chat.postMessage", after_effect=True)
        side.slack.faults.fail("chat.postMessage", "restricted_action_thread_locked")
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        direct = [m for m in side.slack.workspace.messages.values() if m.channel != SWARM]
        assert len(direct) == 1


@pytest.mark.parametrize("archived", [False, True])
async def test_a_verdict_that_was_posted_anew_is_not_repeated(jobs, archived):
    """The job's message is gone, and the answer to the new one is lost."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        side.slack.workspace.delete(side.slack.workspace.messages[(SWARM, job.message)])
        side.slack.workspace.channels[SWARM].is_archived = archived
        if archived:
            side.slack.faults.fail("chat.postMessage", "is_archived")
        side.slack.faults.drop("chat.postMessage", after_effect=True)
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(notices(side)) == 1


async def test_a_mention_counts_although_its_message_was_deleted_before_that_was_noted(jobs):
    """The replica was lost right after the mention, and somebody deleted the job's message."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        await side.messenger.settle(SWARM, job.message, job_message(job, CLOCK.now()))
        await side.messenger.post(SWARM, thread_mention(job), job.message)
        await jobs.mark_told(job.id, "?converged")
        side.slack.workspace.delete(side.slack.workspace.messages[(SWARM, job.message)])
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(notices(side)) == 1


async def test_a_mention_to_the_person_counts_although_its_message_was_deleted(jobs):
    """Redis took no data when it was to be noted."""
    async with connected("socket") as side:
        job = await finished_job(jobs, side.messenger)
        await side.messenger.post(ANN, thread_mention(job))
        await jobs.mark_told(job.id, "?converged")
        side.slack.workspace.delete(side.slack.workspace.messages[(SWARM, job.message)])
        async with delivering(jobs, side.messenger):
            await until_delivered(jobs)
        assert len(notices(side)) == 1


async def test_a_revised_verdict_is_shown_by_the_message_that_was_posted_anew(jobs):
    """The job's own message is gone: the new one is edited, and its thread has the correction."""
    async with connected("socket") as side, delivering(jobs, side.messenger):
        job = await finished_job(jobs, side.messenger, probation=True)
        side.slack.workspace.delete(side.slack.workspace.messages[(SWARM, job.message)])
        anew = await side.slack.wait_for_message(
            lambda m: m.ts != job.message and m.payload.get("verdict") == "converged"
        )
        lease = await jobs.take(5.0)
        assert lease is not None
        revised = replace(done(job, Verdict.CRASH_LOOPING), revised=True)
        await jobs.finish(lease, revised, probation=False)
        reply = await side.slack.wait_for_message(lambda m: m.thread_ts == anew.ts != m.ts)
        assert "Correction" in reply.text
        assert anew.payload["verdict"] == "crash_looping"


async def until_delivered(jobs) -> None:
    """Wait until no verdict is due or postponed."""
    async with asyncio.timeout(30):
        while await jobs._link.call(  # noqa: ASYNC110 - Redis has no event for it
            lambda redis: redis.zcard(f"{jobs._keys.prefix}:deliveries")
        ):
            await asyncio.sleep(0.02)


@asynccontextmanager
async def a_router(jobs, messenger) -> AsyncIterator[Router]:
    """The intake of commands, over a Docker engine that does not answer."""
    swarm = DockerSwarm("unix:///nowhere/docker.sock")
    feed = PollFeed(swarm)
    background = Background()
    engine = Connection("unix:///nowhere/docker.sock")
    registry, volumes = DockerRegistry(engine), DockerVolumes(engine)
    evidence = EvidenceReader(as_port(swarm), registry, volumes)
    ctx = Context(
        nodes=DockerNodes(engine), logs=DockerServiceLogs(engine), volumes=volumes,
        one_offs=DockerOneOffs(engine), stack_objects=DockerStackObjects(engine),
        reachability=TcpReachability(), incidents=RedisIncidents(RedisLink(NOWHERE)),
        stacks=DockerStacks("", b"key"), registry=registry,
        versions=RedisVersions(RedisLink(NOWHERE)),
        swarm=as_port(swarm), looks=swarm, feed=feed, jobs=jobs, chat=messenger, clock=CLOCK,
        observer=Observer(swarm, feed, CLOCK, HttpProbeClient(), evidence),
        background=background, intake=Intake(jobs, CLOCK, 5.0),
        drawing=Pictures(), home=Home(messenger, CLOCK),
        plans=RedisPlans(RedisLink(NOWHERE)), plan_seconds=60.0,
        stack="orochi", command="/orochi", defaults=Defaults(), limits=ConvergenceLimits(),
    )  # fmt: skip
    yield Router(ctx, handlers(ctx), Operators.parse("*"), Defaults())
    await background.drain(5.0)
    await background.cancel()
    await swarm.aclose()


def as_port(swarm: DockerSwarm) -> Swarm:
    """The adapter implements the port, which mypy checks."""
    return swarm


async def test_a_command_that_a_lost_replica_left_is_answered(jobs):
    """It was accepted and never started: its message and the person get one answer."""
    async with connected("socket") as side, a_router(jobs, side.messenger) as router:
        job = replace(a_job("web"), channel=SWARM, user=ANN)
        ts = await side.messenger.post(SWARM, job_message(job, CLOCK.now()))
        url = side.slack.responses.issue(SWARM, ANN)
        assert await jobs.accept(
            PendingCommand(job.id, "key", "command", "scale 3", ANN, SWARM, url, CLOCK.now())
        )
        await asyncio.sleep(0.02)
        await router.clear_abandoned(older=0.01)
        told = await side.slack.wait_for_ephemeral(ANN)
        assert "scale 3" in told.shown_text
        assert "Nothing was changed" in told.shown_text
        message = side.slack.workspace.messages[(SWARM, ts)]
        assert "interrupted" in message.shown_text
        assert await jobs.abandoned_commands(0.0) == ()


@pytest.mark.parametrize("trouble", ["slack", "archived"])
async def test_a_left_command_is_answered_although_its_message_cannot_be_edited(jobs, trouble):
    """While Slack fails, the command stays, for another try."""
    async with connected("socket") as side:
        hasty = Messenger(side.messenger._api, CLOCK, patience=0.1)
        job = replace(a_job("web"), channel=SWARM, user=ANN)
        await side.messenger.post(SWARM, job_message(job, CLOCK.now()))
        url = side.slack.responses.issue(SWARM, ANN)
        left = PendingCommand(job.id, "key", "command", "scale 3", ANN, SWARM, url, CLOCK.now())
        assert await jobs.accept(left)
        if trouble == "slack":
            side.slack.faults.status("chat.update", 503)
        else:
            side.slack.workspace.channels[SWARM].is_archived = True
        async with a_router(jobs, hasty) as router:
            while await jobs.is_pending(job.id):
                await asyncio.sleep(0.02)
                await router.clear_abandoned(older=0.01)
        assert await jobs.submit(job) < 0
        assert "Nothing was changed" in (await side.slack.wait_for_ephemeral(ANN)).shown_text


async def test_a_command_is_refused_when_the_engine_does_not_answer(jobs):
    """The socket is missing: only the person is told, and no job starts."""
    async with connected("socket") as side, a_router(jobs, side.messenger) as router:
        side.received.then = router.command
        delivery = await side.slack.command("/orochi", "scale 3")
        assert delivery.ok
        told = await side.slack.wait_for_ephemeral(ANN)
        assert "docker.sock" in told.shown_text
        assert "Nothing was changed" in told.shown_text
        assert await jobs.active() == ()
