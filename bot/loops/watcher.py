"""The watcher: turns changes of the swarm into alerts, on the replica that leads.

Its state is one value (``bot.domain.incidents.model.WatcherState``), changed only by the pure
reducer. Each turn takes in everything that has come (changes, presses, evidence, time), saves the
new state, and then acts. So the next leader continues from the saved state: unsaved changes are
repeated by the stream, and counted failures are recognised by their task ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.errors import (
    StoreUnavailableError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.incidents import reducer as incidents
from bot.domain.incidents.alert import Button, Press, retold
from bot.domain.incidents.events import (
    Evidence,
    Fetch,
    Forget,
    Reduced,
    ReducerContext,
    Remind,
    Rules,
    Tell,
)
from bot.domain.incidents.model import Incident, IncidentState, Silence
from bot.domain.incidents.snapshot import (
    Snapshot,
    ends_tasks,
    news_of_batch,
    news_of_listing,
    unread,
)
from bot.domain.swarm.events import Batch, Listing
from bot.loops.alert_jobs import AlertJobs
from bot.loops.alerts import AlertBook, AlertDelivery, AlertTexts
from bot.loops.evidence import EvidenceReader
from bot.loops.leader import LeaderLease
from bot.ports import Chat, Clock, Incidents, Jobs, Kept, Stream, Swarm
from bot.runtime.backoff import Backoff
from bot.runtime.tasks import first_error

log = logging.getLogger(__name__)

MOST_A_TURN: Final = 500
WAITING: Final = 2000
"""Maximum number of changes that are read ahead; then the stream waits."""
PRESS_SECONDS: Final = 2.0
BUSY_SECONDS: Final = 1.0
"""How often to check whether jobs have finished with a service."""
BLIND_SECONDS: Final = 20.0
"""A working stream sends something every five seconds, during an election a little later."""
SILENCE_SECONDS: Final = 3600.0
FRESH_UPDATE_SECONDS: Final = 3600.0
"""A failure this soon after a change of the service may be caused by the change."""
CLOCKS_APART: Final = 1.0
"""Clock difference between nodes: what ended this shortly before the start is not late."""
REPLAY_SECONDS: Final = 6.0
"""What is new this soon after the start may have been told by the former leader."""
MOST_UNTOLD: Final = 200
"""Maximum number of resolved incidents kept for a channel in which the bot cannot post."""

Input = Listing | Batch | Evidence | tuple[str, Press]


@dataclass(frozen=True, slots=True)
class WatcherDependencies:
    """The watcher's dependencies. ``seen`` is called with every new incident."""

    incidents: Incidents
    stream: Stream
    swarm: Swarm
    evidence: EvidenceReader
    jobs: Jobs
    chat: Chat
    clock: Clock
    texts: AlertTexts
    rules: Rules
    seen: Callable[[Incident], None] = lambda _incident: None


class Watcher:
    """Watches while this replica leads: ``lead`` is the leader's work."""

    def __init__(self, dependencies: WatcherDependencies) -> None:
        self._dependencies = dependencies

    async def lead(self, lease: LeaderLease) -> None:
        """Watch the swarm under a lease, until cancelled. Raises LeaseLostError."""
        kept = await self._load()
        session = LeaderSession(self._dependencies, lease, kept)
        try:
            await session.run()
        finally:
            await session.quiet()

    async def _load(self) -> Kept:
        backoff = Backoff()
        while True:
            try:
                return await self._dependencies.incidents.load()
            except StoreUnavailableError:
                await self._dependencies.clock.sleep(backoff.failed())


class LeaderSession:
    """One period of leading, starting from the stored state."""

    def __init__(self, dependencies: WatcherDependencies, lease: LeaderLease, kept: Kept) -> None:
        self._dependencies = dependencies
        self._token = lease.token
        self._state = kept.state
        self._handled = kept.handled
        self._saved = kept.state, kept.handled
        self._resumes = kept.state.began is not None
        self._began = dependencies.clock.now() - CLOCKS_APART
        self._snapshot = Snapshot()
        self._listed = False
        self._busy: frozenset[str] = frozenset()
        self._inputs: asyncio.Queue[Input] = asyncio.Queue(WAITING)
        self._wake = asyncio.Event()
        self._book = AlertBook(kept.alerts)
        self._book.address(dependencies.rules.channel)
        for incident in kept.state.incidents.values():
            if incident.told:
                self._book.adopt(incident)
        self._delivery = AlertDelivery(
            dependencies.chat,
            dependencies.clock,
            self._book,
            dependencies.texts,
            told=self._wake.set,
            still=lease.still,
            channels_of=self._channels_of,
        )
        self._alert_jobs = AlertJobs(dependencies.jobs, self._book)
        self._reader = dependencies.evidence
        self._fetching: asyncio.TaskGroup | None = None
        self._past: list[Incident] = []
        self._fetches: list[Fetch] = []
        self._shown: list[str] = []

    async def run(self) -> None:
        """Watch until cancelled. Raises the error that ended it, without a group."""
        try:
            async with asyncio.TaskGroup() as group:
                self._fetching = group
                group.create_task(self._read_stream(), name="stream of the watcher")
                group.create_task(self._read_presses(), name="presses of the watcher")
                group.create_task(self._delivery.run(), name="alerts")
                group.create_task(self._turns(), name="watcher")
        except BaseExceptionGroup as ended:
            raise first_error(ended) from None

    async def quiet(self) -> None:
        """Send no more updates: another replica may lead from now on."""
        await self._delivery.quiet()

    async def _read_stream(self) -> None:
        """Read the stream.

        Raises:
            SwarmUnavailableError: the stream was silent for long; other replicas may see more.
        """
        async with aclosing(self._dependencies.stream.follow(self._state.cursor)) as changes:
            while True:
                try:
                    async with asyncio.timeout(BLIND_SECONDS):
                        change = await anext(changes)
                except TimeoutError as error:
                    raise SwarmUnavailableError(
                        f"No news from the swarm for {BLIND_SECONDS:.0f} s."
                    ) from error
                await self._take(change)

    async def _read_presses(self) -> None:
        after, backoff = self._handled, Backoff()
        while True:
            try:
                presses = await self._dependencies.incidents.presses(after, PRESS_SECONDS)
                backoff.worked()
            except StoreUnavailableError:
                await self._dependencies.clock.sleep(backoff.failed())
                continue
            for press_id, press in presses:
                after = press_id
                await self._take((press_id, press))

    async def _take(self, found: Input) -> None:
        """Put it before the turns; another task runs in between, however many have come."""
        await self._inputs.put(found)
        self._wake.set()
        await asyncio.sleep(0)

    async def _turns(self) -> None:
        for alert in self._book.all():
            self._delivery.show(alert)
        while True:
            await self._pause()
            began = self._now()
            inputs = tuple(self._waiting())
            await self._refresh_busy(inputs)
            for each in inputs:
                await self._take_in(each)
                await asyncio.sleep(0)  # the lease is renewed however many have come
            if not inputs and self._listed:
                self._reduce(incidents.tick(self._state, self._context(), self._now()))
            self._state, self._past = await self._alert_jobs.name(self._state, self._past)
            await self._save()
            self._act()
            self._state = incidents.delayed(self._state, self._now() - began)

    async def _pause(self) -> None:
        """Wait for input, or until something may change without it."""
        if self._inputs.empty():
            # Time has no effect before the first listing.
            due = incidents.next_tick(self._state, self._now()) if self._listed else None
            holds = self._busy or any(each.held for each in self._state.incidents.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(min(due, BUSY_SECONDS) if due and holds else due):
                    await self._wake.wait()
        self._wake.clear()

    def _waiting(self) -> Iterator[Input]:
        for _ in range(min(self._inputs.qsize(), MOST_A_TURN)):
            yield self._inputs.get_nowait()
        if not self._inputs.empty():
            self._wake.set()

    async def _take_in(self, found: Input) -> None:
        match found:
            case Listing():
                await self._take_listing(found)
            case Batch():
                self._take_batch(found)
            case Evidence():
                self._reduce(incidents.with_evidence(self._state, found))
            case (press_id, press):
                self._handled = press_id
                self._reduce(self._pressed(press))

    async def _take_listing(self, listing: Listing) -> None:
        """Take in a listing, in a thread: it may have many tasks that failed.

        Meanwhile nothing else changes what the thread reads: the turns do, one after the other.
        """
        self._snapshot.take(listing)
        self._listed = True
        news = await asyncio.to_thread(news_of_listing, listing, self._began)
        context, now = self._context(), self._now()
        reduced = await asyncio.to_thread(incidents.reduce, self._state, news, context, now)
        self._reduce(reduced)
        asked = {fetch.incident_id for fetch in self._fetches}
        left = await asyncio.to_thread(unread, listing, self._state)
        self._fetches.extend(fetch for fetch in left if fetch.incident_id not in asked)

    def _take_batch(self, batch: Batch) -> None:
        """Handle a batch; one that fails is skipped, because it would stop every watcher again."""
        try:
            for event in batch.events:
                self._snapshot.see(event)
            for news in news_of_batch(batch, self._began):
                self._reduce(incidents.reduce(self._state, news, self._context(), self._now()))
        except Exception:
            log.exception("skipping a change of the swarm (version %s)", batch.version)

    def _pressed(self, press: Press) -> Reduced:
        if press.button is Button.ACKNOWLEDGE:
            return incidents.acknowledge(self._state, press.incident_id, press.user, press.at)
        incident = self._state.find(press.incident_id)
        if incident is None or incident.state is IncidentState.RESOLVED:
            return Reduced(self._state)
        cause, until = incident.cause.kind.value, press.at + SILENCE_SECONDS
        return incidents.silence(self._state, Silence(incident.service, cause, until, press.user))

    def _reduce(self, reduced: Reduced) -> None:
        self._state = reduced.state
        for action in reduced.actions:
            match action:
                case Tell(incident):
                    self._tell(incident)
                case Remind(incident):
                    self._remind(incident)
                case Forget(incident):
                    self._book.drop(incident.id)
                case Fetch():
                    self._fetches.append(action)

    def _tell(self, incident: Incident) -> None:
        known = self._book.get(incident.id)
        if known is None:
            self._dependencies.seen(incident)
            if self._resumes and (incident.late or self._now() < self._began + REPLAY_SECONDS):
                self._book.doubt(incident.id)
        alert = retold(known, incident)
        self._book.put(alert)
        again = known is not None and incident.reopened > known.incident.reopened
        if known is None or again or incident.state is IncidentState.RESOLVED:
            self._alert_jobs.want(incident.id)
        if incident.state is IncidentState.RESOLVED:
            self._past.append(alert.addressed)
        self._shown.append(incident.id)

    def _remind(self, incident: Incident) -> None:
        known = self._book.get(incident.id)
        if known is not None:
            self._book.put(replace(known, remind=True))

    async def _save(self) -> None:
        """Save the present state; retries until the store accepted it or the lease is lost."""
        self._clear_book()
        alerts, past, backoff = self._book.take_changed(), tuple(self._past), Backoff()
        if not alerts and not past and self._is_saved():
            return
        while True:
            try:
                await self._dependencies.incidents.save(
                    self._token, self._state, alerts, past=past, handled=self._handled
                )
            except StoreUnavailableError as error:
                log.info("the watcher's state waits for the store: %s", error)
                await self._dependencies.clock.sleep(backoff.failed())
            else:
                self._past.clear()
                self._saved = self._state, self._handled
                self._book.saved()
                return

    def _is_saved(self) -> bool:
        state, handled = self._saved
        return self._state is state and self._handled == handled

    def _clear_book(self) -> None:
        """Drop alerts that are finished; a recently resolved one may be reopened."""
        state, untold = self._state, 0
        known = {each.id for each in (*state.incidents.values(), *state.recent.values())}
        for alert in reversed(self._book.all()):
            ended = alert.incident.state is IncidentState.RESOLVED
            untold += ended and alert.waits
            lost = ended and alert.waits and (not alert.channel or untold > MOST_UNTOLD)
            # An open alert that the state lacks is from a state that could not be read.
            if lost or (alert.incident.id not in known and not (ended and alert.waits)):
                self._book.drop(alert.incident.id)

    def _act(self) -> None:
        for incident_id in self._shown:
            alert = self._book.get(incident_id)
            if alert is not None:
                self._delivery.show(alert)
        self._shown.clear()
        for fetch in self._fetches:
            if self._fetching is not None:
                self._fetching.create_task(self._fetch(fetch), name="evidence")
        self._fetches.clear()

    async def _fetch(self, fetch: Fetch) -> None:
        incident = self._state.find(fetch.incident_id)
        if incident is None:
            return
        try:
            service = await self._dependencies.swarm.service(incident.service_id)
            found = await self._reader.of_task(incident.cause, fetch.task, service)
        except SwarmError as error:
            log.info("no evidence for incident %s: %s", incident.id, error)
            return
        except Exception:  # evidence that cannot be read must not stop the watcher
            log.exception("no evidence for incident %s", incident.id)
            return
        fresh = incident.began - service.updated_at < FRESH_UPDATE_SECONDS
        evidence = Evidence(
            incident.id,
            fetch.task.id,
            text=found.text,
            title=found.title,
            cause=found.cause(incident.cause, service.limit.memory),
            can_roll_back=service.has_older_version and fresh,
        )
        await self._take(evidence)

    async def _refresh_busy(self, inputs: tuple[Input, ...]) -> None:
        """Read which services jobs are changing, if that makes a difference now."""
        failed = any(
            isinstance(each, Listing) or (isinstance(each, Batch) and ends_tasks(each))
            for each in inputs
        )
        suspects = bool(self._state.suspects)
        held = any(each.held for each in self._state.incidents.values())
        if not (failed or suspects or held or self._busy):
            return
        try:
            running = await self._dependencies.jobs.running()
        except StoreUnavailableError:
            return
        self._busy = frozenset(target.service_id for job in running for target in job.targets)

    def _context(self) -> ReducerContext:
        return self._snapshot.context(self._busy, self._dependencies.rules)

    def _channels_of(self, incident: Incident) -> tuple[str, ...]:
        """The channels for an incident that begins now: the intended one, then the fallback."""
        service = self._snapshot.services.get(incident.service_id)
        rules = self._dependencies.rules
        return (rules.channel_for(service), rules.channel) if service else (rules.channel,)

    def _now(self) -> float:
        return self._dependencies.clock.now()
