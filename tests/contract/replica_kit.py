"""Whole replicas without their process: worker, handlers and deliveries, over chosen servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.domain.commands.access import Operators
from bot.domain.commands.values import Defaults
from bot.domain.convergence.goal import ConvergenceLimits
from bot.drawing.pictures import Pictures
from bot.jobs.context import Context
from bot.jobs.intake import Intake
from bot.loops.delivery import DeliveryLoop
from bot.loops.evidence import EvidenceReader
from bot.loops.home import Home
from bot.loops.observer import Observer
from bot.loops.worker import Worker
from bot.network.readiness import HttpProbeClient
from bot.network.tcp import TcpReachability
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import Background, cancel_all
from bot.slack.messenger import Messenger
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
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
from handlers.table import Handlers, handlers

CLOCK = SystemClock()
NO_ENGINE = "unix:///nowhere/docker.sock"


@dataclass(frozen=True)
class Replica:
    """One replica's parts."""

    ctx: Context
    jobs: RedisJobs
    table: Handlers
    router: Router
    worker: Worker


@asynccontextmanager
async def a_replica(
    redis_url: str,
    messenger: Messenger,
    engine: str = NO_ENGINE,
    *,
    lease: float = 5.0,
    works: bool = False,
    delivers: bool = False,
    limits: ConvergenceLimits | None = None,
    store: StoreLimits | None = None,
) -> AsyncIterator[Replica]:
    """A replica; with ``works`` it takes jobs, with ``delivers`` it posts verdicts."""
    link, calls = RedisLink(redis_url), Connection(engine)
    jobs = RedisJobs(link, lease_seconds=lease, limits=store)
    swarm, background = DockerSwarm(engine), Background()
    feed = PollFeed(swarm, interval=0.2)
    registry, volumes = DockerRegistry(calls), DockerVolumes(calls)
    evidence = EvidenceReader(swarm, registry, volumes)
    ctx = Context(
        swarm=swarm, looks=swarm, nodes=DockerNodes(calls), logs=DockerServiceLogs(calls),
        volumes=volumes, one_offs=DockerOneOffs(calls),
        stack_objects=DockerStackObjects(calls), reachability=TcpReachability(),
        stacks=DockerStacks("", b"key"), registry=registry,
        versions=RedisVersions(link), feed=feed, jobs=jobs,
        plans=RedisPlans(link, limits=store), incidents=RedisIncidents(link), chat=messenger,
        drawing=Pictures(), home=Home(messenger, CLOCK), clock=CLOCK,
        observer=Observer(swarm, feed, CLOCK, HttpProbeClient(), evidence, tick=0.2),
        background=background, intake=Intake(jobs, CLOCK, lease),
        stack="orochi", command="/orochi", defaults=Defaults(),
        limits=limits or ConvergenceLimits(), plan_seconds=60.0, timelines=False,
    )  # fmt: skip
    table = handlers(ctx)
    router = Router(ctx, table, Operators.parse("*"), Defaults())
    worker = Worker(jobs, messenger, table.runners, CLOCK, at_once=4, lease_seconds=lease)
    deliveries = DeliveryLoop(
        jobs, messenger, CLOCK, lambda job: job_message(job, CLOCK.now()), thread_mention
    )
    loops = [asyncio.create_task(deliveries.run())] if delivers else []
    if works:
        worker.start()
    try:
        yield Replica(ctx, jobs, table, router, worker)
    finally:
        await worker.drain()
        await cancel_all(loops)
        await background.drain(5.0)
        await background.cancel()
        await swarm.aclose()
        calls.close()
        await link.aclose()
