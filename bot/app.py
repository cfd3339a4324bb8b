"""The composition root: builds all parts from the settings, runs them, and shuts them down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from bot.domain.commands.access import Operators, Standing
from bot.domain.commands.values import Defaults
from bot.domain.convergence.goal import ConvergenceLimits
from bot.domain.errors import ChatError, ChatUnavailableError
from bot.domain.incidents.alert import Alert
from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job
from bot.domain.operations.dashboard import Dashboard
from bot.domain.text.message import Message
from bot.drawing.pictures import Pictures
from bot.http.metrics import Metrics
from bot.http.server import Web
from bot.jobs.context import Context
from bot.jobs.dashboard import Dashboards
from bot.jobs.intake import Intake
from bot.jobs.orphans import Orphans
from bot.jobs.timeline import Timelines
from bot.loops.alerts import AlertTexts
from bot.loops.delivery import DeliveryLoop
from bot.loops.evidence import EvidenceReader
from bot.loops.home import Home
from bot.loops.housekeeping import every
from bot.loops.image_watch import LOOK_SECONDS, ImageWatch
from bot.loops.leader import Leader
from bot.loops.observer import Observer
from bot.loops.watcher import Watcher, WatcherDependencies
from bot.loops.worker import Worker
from bot.network.readiness import HttpProbeClient
from bot.network.tcp import TcpReachability
from bot.ports import Feed
from bot.ports.engine import Reachability
from bot.runtime.clock import SystemClock
from bot.runtime.loop_lag import probe_lag
from bot.runtime.process import hide_in_logs
from bot.runtime.tasks import Background, cancel_all
from bot.settings import Settings, channel_stacks, logins_of
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger, sharing_warning
from bot.slack.scopes import REINSTALL, explained, lacking
from bot.slack.service import SlackService
from bot.store.budget import RedisBudget
from bot.store.connection import RedisLink
from bot.store.image_notices import RedisImageNotices
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
from bot.store.plans import RedisPlans
from bot.store.versions import RedisVersions
from bot.swarm.cache import SwarmCache
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.fallback_feed import FallbackFeed
from bot.swarm.nodes import DockerNodes
from bot.swarm.one_offs import DockerOneOffs
from bot.swarm.poll_feed import PollFeed
from bot.swarm.push_feed import PushFeed
from bot.swarm.registry import DockerRegistry
from bot.swarm.service_logs import DockerServiceLogs
from bot.swarm.stack_objects import DockerStackObjects
from bot.swarm.stacks.record import DockerStacks
from bot.swarm.stream import SwarmStream
from bot.swarm.volumes import DockerVolumes
from bot.views.home import home_message
from bot.views.images import notice_message
from bot.views.incidents.message import incident_message, reminder_message
from bot.views.jobs.message import job_message, thread_mention
from handlers.boundary import Boundary
from handlers.messages import Messages
from handlers.router import Router
from handlers.table import UPDATE_BUTTON, handlers

log = logging.getLogger(__name__)

DRAIN_SECONDS = 7.0
CLOSE_SECONDS = 2.0
"""Time limits that sum to less than the ten seconds between SIGTERM and SIGKILL in Docker."""
CHORE_SECONDS = 10.0
ORPHANS_SECONDS = 3600.0
ADOPT_SECONDS = 2.0
"""How often to look for commands of lost replicas."""


class App:
    """One replica of the bot. Call ``start`` once, then ``stop`` once, in one event loop.

    ``reachability`` checks TCP ports from the swarm's point of view; None: from this machine.
    """

    def __init__(self, settings: Settings, *, reachability: Reachability | None = None) -> None:
        self._settings = settings
        self._reachability: Reachability = reachability or TcpReachability()
        self._clock = SystemClock()
        self.metrics = Metrics()
        self._background = Background()
        self._loops: list[asyncio.Task[None]] = []
        self._show_in_logs: Callable[[], None] = lambda: None
        self._build_adapters()
        self._build_core()
        self._build_watcher()
        self._build_edge()

    @property
    def port(self) -> int:
        """The HTTP port that was actually bound."""
        return self.web.port

    async def start(self) -> None:
        """Log in to Slack, then start working. Raises BotError if a part cannot start."""
        self._show_in_logs = hide_in_logs(self.stacks.hidden)
        self.messenger.start()
        identity = await self._slack.log_in()
        log.info("at Slack as %s in %s", identity.name, identity.team)
        if missing := lacking(identity.scopes):
            log.warning("the bot token lacks the scopes %s: %s", explained(missing), REINSTALL)
        if self.push:
            self.push.start()
        self._run(probe_lag(self.metrics.loop_lagged), "loop lag")
        self._worker.start()
        self._run(self._deliveries.run(), "deliveries")
        self._run(self._leader.run(), "leader")
        self._run(self._home.run(self._dashboards.read, self._role, self._render_home), "home")
        self._run(every(ADOPT_SECONDS, self._router.adopt_lost, self._clock), "lost commands")
        self._run(every(ORPHANS_SECONDS, self._orphans.settle, self._clock), "orphans")
        often = min(LOOK_SECONDS, self._settings.bot_image_watch_seconds)
        self._run(every(often, self._image_watch.look, self._clock), "newer images")
        for chore in (self._router.clear_abandoned, self.jobs.ping, *self._chores):
            self._run(every(CHORE_SECONDS, chore, self._clock), "chores")
        await self.web.start(self._settings.bot_http_host, self._settings.bot_http_port)
        await self._slack.listen()
        self._background.spawn(self.stacks.learn(), "the stacks' secret values")
        self._background.spawn(self._look_for_alerts_channel(), "a look at the alerts channel")
        log.info("ready")

    async def stop(self) -> None:
        """Stop taking work, answer requests in progress, release unfinished jobs, and close."""
        log.info("stopping")
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._slack.stop_listening()
                await self._background.drain(DRAIN_SECONDS / 2)
                await self._background.cancel()
                await self._worker.drain()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await cancel_all(self._loops)
                await self._close()
        except TimeoutError:
            log.warning("not everything was closed within %.0f s", CLOSE_SECONDS)
        log.info("stopped")
        self._show_in_logs()

    async def _close(self) -> None:
        await self.jobs.aclose()
        await self.web.stop()
        await self._slack.close()
        await self.messenger.close()
        if self.push:
            await self.push.aclose()
        await self._trust.aclose()
        await self.swarm.aclose()
        await self.stacks.aclose()
        self._engine.close()
        self._registries.close()
        await self._link.aclose()

    def _build_adapters(self) -> None:
        settings = self._settings
        url, password = settings.redis_url, settings.redis_password
        self._link = RedisLink(url.get_secret_value(), password.get_secret_value())
        self.jobs = RedisJobs(
            self._link, prefix=settings.redis_prefix, lease_seconds=settings.bot_lease_seconds
        )
        self.incidents = RedisIncidents(
            self._link, prefix=settings.redis_prefix, lease_seconds=settings.bot_lease_seconds
        )
        self._logins = logins = logins_of(settings)
        self.swarm = DockerSwarm(settings.docker_host, logins=logins)
        self._engine = Connection(settings.docker_host)
        # A connection of its own: a silent registry holds its calls for half a minute.
        self._registries = Connection(settings.docker_host)
        self.registry = DockerRegistry(self._registries, logins)
        self.versions = RedisVersions(self._link, prefix=settings.redis_prefix)
        self.stacks = DockerStacks(
            settings.bot_stacks_dir,
            settings.slack_bot_token.get_secret_value().encode(),
            settings.docker_host,
            reachability=self._reachability,
            logins=logins,
        )
        self._build_feed()
        self._api = SlackApi(
            settings.slack_bot_token.get_secret_value(),
            self._clock,
            settings.slack_api_url,
            hide=partial(self.stacks.hidden, certain=True),
        )
        budget = RedisBudget(self._link, prefix=settings.redis_prefix)
        self.messenger = Messenger(self._api, self._clock, budget)
        self.drawing = Pictures()

    def _build_feed(self) -> None:
        """The push feed, with polling as the fallback."""
        path = self._settings.bot_control_socket
        self._trust = EngineTrust(self._settings.docker_host)
        self.push = PushFeed(StreamClient(path, self._trust)) if path else None
        poll = PollFeed(self.swarm, interval=self._settings.bot_poll_seconds)
        self.feed: Feed = FallbackFeed(self.push, poll) if self.push else poll

    def _build_core(self) -> None:
        settings = self._settings
        defaults = Defaults(settings.bot_command, settings.bot_service, settings.bot_max_replicas)
        self._home = Home(self.messenger, self._clock)
        self._looks = SwarmCache(self.swarm, self.push)
        volumes = DockerVolumes(self._engine)
        self._evidence = EvidenceReader(self.swarm, self.registry, volumes)
        ctx = Context(
            swarm=self.swarm,
            looks=self._looks,
            nodes=DockerNodes(self._engine),
            logs=DockerServiceLogs(self._engine),
            volumes=volumes,
            one_offs=DockerOneOffs(self._engine, self._logins),
            stack_objects=DockerStackObjects(self._engine),
            reachability=self._reachability,
            stacks=self.stacks,
            registry=self.registry,
            versions=self.versions,
            feed=self.feed,
            jobs=self.jobs,
            plans=RedisPlans(self._link, prefix=settings.redis_prefix),
            incidents=self.incidents,
            chat=self.messenger,
            drawing=self.drawing,
            home=self._home,
            clock=self._clock,
            observer=Observer(
                self.swarm, self.feed, self._clock, HttpProbeClient(), self._evidence
            ),
            background=self._background,
            intake=Intake(self.jobs, self._clock, settings.bot_lease_seconds),
            stack=settings.bot_stack,
            channel_stacks=channel_stacks(settings.bot_channel_stacks),
            command=settings.bot_command,
            defaults=defaults,
            timelines=settings.bot_timelines,
            limits=ConvergenceLimits(
                time_limit=settings.bot_job_seconds, probation=settings.bot_watch_seconds
            ),
            plan_seconds=settings.bot_plan_seconds,
            run_seconds=settings.bot_run_seconds,
        )
        self._stack_in = ctx.stack_in
        table = handlers(ctx)
        self._dashboards = Dashboards(ctx)
        self._chores = table.chores
        self._orphans = Orphans(ctx)
        operators = Operators.parse(settings.bot_operators)
        self._router = Router(ctx, table, operators, defaults)
        self._messages = Messages(ctx, self._router.command, defaults)
        self._boundary = Boundary(ctx, operators, guests=settings.bot_guests)
        self._worker = Worker(
            self.jobs,
            self.messenger,
            table.runners,
            self._clock,
            at_once=settings.bot_jobs_at_once,
            lease_seconds=settings.bot_lease_seconds,
            ended=self.metrics.job_ended,
        )
        self._deliveries = DeliveryLoop(
            self.jobs,
            self.messenger,
            self._clock,
            self._render,
            thread_mention,
            told=Timelines(ctx).told,
        )

    def _build_watcher(self) -> None:
        settings = self._settings
        stacks = (name.strip() for name in settings.bot_alerts_stacks.split(","))
        rules = Rules(
            threshold=settings.bot_alerts_threshold,
            quiet=settings.bot_alerts_quiet_seconds,
            stacks=frozenset(filter(None, stacks)),
            channel=settings.bot_alerts_channel,
        )
        dependencies = WatcherDependencies(
            incidents=self.incidents,
            stream=SwarmStream(self.push, self.swarm),
            swarm=self.swarm,
            evidence=self._evidence,
            jobs=self.jobs,
            chat=self.messenger,
            clock=self._clock,
            texts=AlertTexts(self._alert, self._reminder),
            rules=rules,
            seen=self.metrics.incident_began,
        )
        lease = settings.bot_lease_seconds
        self._leader = Leader(
            self.incidents, self._clock, Watcher(dependencies).lead, lease_seconds=lease
        )
        self.metrics.watch(lambda: self._leader.leads)
        self._image_watch = ImageWatch(
            looks=self._looks,
            registry=self.registry,
            notices=RedisImageNotices(self._link, prefix=settings.redis_prefix),
            incidents=self.incidents,
            jobs=self.jobs,
            chat=self.messenger,
            clock=self._clock,
            rules=rules,
            render=partial(notice_message, command=settings.bot_command),
            begin=self._begin_update,
            still=self._leader.still,
            seconds=settings.bot_image_watch_seconds,
        )

    def _build_edge(self) -> None:
        settings = self._settings
        self._slack = SlackService(
            self._api,
            self._clock,
            command=settings.bot_command,
            receive=self._boundary.within(self._router.command),
            press=self._boundary.within(self._router.press),
            hear=self._messages.once(self._boundary.within(self._messages.receive)),
            reply=self.messenger.reply,
            opened=self._home.opened,
            app_token=settings.slack_app_token.get_secret_value(),
            signing_secret=settings.slack_signing_secret.get_secret_value(),
            acked=self.metrics.acked,
        )
        checks = {
            "redis": self.jobs.ping,
            "docker": self._manager_answers,
            "slack": self._slack_is_connected,
        }
        self.web = Web(checks, self.metrics)
        self.web.app.add_routes(self._slack.routes())
        self.metrics.store(lambda: self._link.full)
        self.metrics.follow(lambda: self._worker.working, self.feed.status)

    def _render(self, job: Job) -> Message:
        return job_message(
            job,
            self._clock.now(),
            command=self._settings.bot_command,
            probation_seconds=self._settings.bot_watch_seconds,
            home=self._stack_in(job.channel),
        )

    def _render_home(self, board: Dashboard, operator: bool, now: float, until: float) -> Message:  # noqa: FBT001 - called by Home
        command, where = self._settings.bot_command, self.messenger.permalink
        return home_message(board, now, until, operator=operator, command=command, where=where)

    async def _look_for_alerts_channel(self) -> None:
        """Log an unusable alerts channel at startup rather than at the first alert."""
        channel = self._settings.bot_alerts_channel
        if not channel:
            log.info("alerts are off: BOT_ALERTS_CHANNEL is empty")
            return
        try:
            await self.messenger.see(channel)
        except ChatError as error:
            log.warning("alerts cannot be posted in %s: %s %s", channel, error, error.hint)
            return
        if warning := await sharing_warning(self.messenger, channel):
            log.warning("%s", warning)

    def _alert(self, alert: Alert) -> Message:
        now, where = self._clock.now(), self.messenger.permalink
        return incident_message(alert.incident, now, meant_for=alert.refused, where=where)

    def _reminder(self, incident: Incident) -> Message:
        return reminder_message(incident, self._clock.now(), self._settings.bot_command)

    async def _begin_update(self, key: str, service: str, channel: str) -> None:
        await self._router.begin_own(key, UPDATE_BUTTON, service, channel)

    async def _role(self, user: str) -> bool | None:
        """Whether a viewer of the Home tab is an operator, None if they may not see it."""
        standing = await self._boundary.viewer(user)
        if standing is None:
            return None
        return await self._router.may_change(user, guest=standing is Standing.GUEST)

    async def _manager_answers(self) -> None:
        await self.swarm.nodes()

    async def _slack_is_connected(self) -> None:
        if not await self._slack.is_connected():
            raise ChatUnavailableError("There is no connection to Slack at the moment.")

    def _run(self, loop: Coroutine[Any, Any, None], name: str) -> None:
        self._loops.append(asyncio.create_task(loop, name=name))
