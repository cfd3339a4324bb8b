"""What the core asks of the outside. Adapters implement these; handlers and loops know no more.

Every method may raise the errors of ``bot.domain.errors`` that its side is named for: the store
``StoreUnavailableError``, the swarm ``SwarmError`` and its kinds, the chat ``ChatError`` and its
kinds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bot.domain.alert import Alert, Press
from bot.domain.asking import Decided, Decision
from bot.domain.figure import Figure
from bot.domain.incident import Incident, Watch
from bot.domain.job import Draft, Job, Turn
from bot.domain.message import Message
from bot.domain.plan import Plan, Step
from bot.domain.probe import Probe, Reading
from bot.domain.stream import Batch, Listing
from bot.domain.swarm import Look, Node, Service, StackLook, Task
from bot.domain.version import Bundle, Version


class Clock(Protocol):
    """Time, so that tests can move it by hand."""

    def now(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine the bot speaks to. ``node_id`` and ``hostname`` are its own node's."""

    version: str
    api_version: str
    node_id: str
    hostname: str
    is_manager: bool
    swarm_active: bool


@dataclass(frozen=True, slots=True)
class Scaled:
    """What ``set_replicas`` did: ``before`` were wanted, ``changed`` says if an update was made."""

    before: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Updated:
    """What ``force_update`` and ``roll_back`` did.

    ``template`` is the digest of the service's template once it is done, ``changed`` says if this
    call made an update, ``rollback`` whether the swarm itself calls it a roll back.
    """

    template: str
    changed: bool
    rollback: bool


Guard = Callable[[Service], None]
"""Looks at the service as it stands right before a write; raises RefusedError to prevent it."""


class Swarm(Protocol):
    """The swarm, through one manager's engine."""

    async def engine(self) -> EngineInfo:
        """The engine itself; works on workers too."""

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        """All services, or those of one stack, by name."""

    async def service(self, name_or_id: str) -> Service:
        """One service by its full name or id. Raises NotFoundError."""

    async def look(self, service_id: str) -> Look:
        """One service with its tasks and the nodes; ``service`` is None when it is gone."""

    async def stack_look(self, stack: str) -> StackLook:
        """A whole stack at once; every service of the swarm when ``stack`` is empty."""

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes by hostname."""

    async def tasks(self) -> tuple[Task, ...]:
        """Every task of the swarm that is wanted to run, of whatever service."""

    async def tasks_of(self, service_id: str) -> tuple[Task, ...]:
        """The tasks that the swarm still has of a service, also of one that was removed."""

    async def set_replicas(self, service_id: str, replicas: int, guard: Guard) -> Scaled:
        """Make the service want ``replicas`` (for a replicated job: total completions).

        Changes that one field of the spec and nothing else; makes no update when the number is
        there already. ``guard`` sees the spec that each write is based on. A stale version is
        looked up again and retried. After a SwarmUnavailableError the outcome is unknown: calling
        again is safe.
        """

    async def force_update(self, service_id: str, restarts: int, guard: Guard) -> Updated:
        """Replace every task of a service by one of the same spec.

        Sets the counter of forced updates to ``restarts`` and changes nothing else; makes no
        update when the present or the previous spec counts as many already, so calling again is
        safe. ``guard``, stale versions and unknown outcomes as for ``set_replicas``.
        """

    async def roll_back(self, service_id: str, digest: str, guard: Guard) -> Updated:
        """Bring a service's previous spec back, with the replicas that it has now.

        ``digest`` is that of the previous spec. Makes no update when the present spec has it
        already, so calling again is safe. ``guard`` has to see to it that the previous spec still
        has it. Stale versions and unknown outcomes as for ``set_replicas``.
        """

    async def last_lines(self, task: Task, lines: int) -> str:
        """The last lines of a task's log, oldest first; empty when there are none to be had."""

    async def probe_output(self, task: Task) -> str:
        """What the last health probe of an unhealthy task printed; "" for any other task.

        Also "" when it cannot be read from here: only a container's own node knows.
        """

    async def out_of_memory(self, task: Task) -> bool | None:
        """Whether the kernel killed the task for memory; None when it cannot be told from here."""


class Recording(Protocol):
    """The calls that a deploy would make, as they came: in memory only, they hold secrets."""

    @property
    def plan(self) -> Plan:
        """What the calls come to; safe to keep and to show."""

    @property
    def bundle(self) -> Bundle:
        """What it was recorded from; safe to keep."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What one step of a plan did.

    ``changed`` is False when it was found made already. ``service`` is the service as it stands
    after the step, None for other kinds and for a removal.
    """

    changed: bool
    service: Service | None = None


class Stacks(Protocol):
    """The stacks that may be deployed: compose files in one folder, planned by the docker CLI."""

    async def names(self) -> tuple[str, ...]:
        """The stacks that there are files for, by name. Raises RefusedError without a folder."""

    async def record(
        self,
        stack: str,
        deployed: Mapping[str, int | None] | None = None,
        bundle: Bundle | None = None,
        only: str = "",
    ) -> Recording:
        """What a deploy of the stack would do now; nothing is changed.

        ``deployed`` are the replicas of the last deployed file by the services' full names
        (``Plan.file_replicas`` of then), None when the bot never deployed the stack. With a
        ``bundle`` it is deployed from that, images included, in place of the folder. With the
        full name of a service in ``only`` nothing but that service and what it needs is in the
        plan. Raises RefusedError when there is no such stack, for what is wrong with its file, and
        for a bundle that cannot be read any more.
        """

    async def apply(self, recording: Recording, step: Step) -> Applied:
        """Make one step of a recording's plan; harmless when it was made already.

        Raises StalePlanError, having changed nothing, when the live object is neither as the
        plan found it nor as it shall be. After a SwarmUnavailableError the outcome is unknown:
        calling again is safe.
        """


class Versions(Protocol):
    """What was deployed of each stack, in Redis; bounded, the oldest are forgotten."""

    async def note(self, version: Version) -> None:
        """Keep how a deploy ended, under the stack's next number.

        A version whose job was noted before takes the place of that one, with its number: a
        lost worker's job is ended again, and a verdict may be revised.
        """

    async def of(self, stack: str) -> tuple[Version, ...]:
        """The versions of a stack, newest first; () when the bot never deployed it."""

    async def stacks(self) -> tuple[str, ...]:
        """The stacks that have versions, by name."""

    async def keep(self, job: str, bundle: Bundle) -> None:
        """Keep what a job deploys from, to be called before it changes anything.

        It is the version's once that is noted, and goes with it; without one it goes in a day.
        """

    async def bundle(self, version: Version) -> Bundle | None:
        """What a version was deployed from, None where it is not kept."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something of a service changed: a hint to look again.

    ``task`` is the task as it became, None when the service or a node changed.
    """

    service_id: str
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """``kind`` is ``push`` or ``poll``; ``lag`` is seconds since it was last known complete."""

    kind: str
    lag: float
    trouble: str = ""


class Subscription(Protocol):
    """Changes of some services, as they come."""

    async def wait(self, seconds: float) -> tuple[Change, ...]:
        """All changes since the last call; waits up to ``seconds`` for one, then returns ()."""


class Feed(Protocol):
    """The stream of changes of the swarm's objects."""

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Subscription]:
        """Follow these services from now on."""

    def status(self) -> FeedStatus:
        """Which feed this is and how far behind."""


class Readiness(Protocol):
    """The probes of services, asked from where the bot is."""

    async def ask(self, probe: Probe) -> Reading:
        """Ask once, for a few seconds at most. Raises nothing."""


class Stream(Protocol):
    """Everything that changes in the swarm, for who has to miss nothing."""

    def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        """A listing, then all that changes after it, until closed (``contextlib.aclosing``).

        With a ``cursor`` (a version that was handled) it goes on from there where that can be
        had: ``Listing.resumed`` says so. Where the stream was lost for good on the way, a further
        listing comes, not resumed. A batch without events says that all up to its version was
        told. Never ends by itself and raises nothing: while the swarm cannot be reached it tries
        again.
        """


@dataclass(frozen=True, slots=True)
class Kept:
    """What a watcher finds in the store.

    ``alerts`` are those that are open or not wholly told, by the incident's id. ``handled`` is
    the id of the last press that was handled, "" before the first.
    """

    watch: Watch
    alerts: Mapping[str, Alert]
    handled: str


class Incidents(Protocol):
    """What the watcher knows, in Redis. One replica at a time leads: only it may write."""

    async def lead(self) -> str:
        """Become the leader: a token, new each time; "" when another replica is."""

    async def go_on_leading(self, token: str) -> None:
        """Keep the lease for another lease time. Raises LeaseLostError."""

    async def stop_leading(self, token: str) -> None:
        """Let another replica lead at once; nothing happens when the lease was lost before."""

    async def load(self) -> Kept:
        """All that was saved last; an empty watch before the first time."""

    async def save(
        self,
        token: str,
        watch: Watch,
        alerts: Mapping[str, Alert | None],
        *,
        past: Sequence[Incident] = (),
        handled: str = "",
    ) -> None:
        """Write what the watcher knows now, whole or not at all. Raises LeaseLostError.

        ``alerts`` are those that changed, by the incident's id, None for one that needs nothing
        any more. ``past`` are resolved incidents for the history. ``handled`` is the id of the
        last press that is in ``watch``, "" for none since the last save.
        """

    async def press(self, press: Press) -> None:
        """Hand a button's press to whoever leads."""

    async def presses(self, after: str, seconds: float) -> tuple[tuple[str, Press], ...]:
        """The presses after an id, with their ids, oldest first; waits ``seconds`` for one."""

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Those not resolved yet, the oldest first."""

    async def past_incidents(self, count: int) -> tuple[Incident, ...]:
        """Resolved ones, newest first."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one job, until it is not renewed for the lease time.

    ``token`` is the adapter's own handle; ``attempt`` counts the workers that began this turn.
    """

    job_id: str
    turn: Turn
    token: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished (or revised) job whose message does not say so yet.

    ``revision`` is the job's revision to be shown; ``told`` is the verdict that who asked was
    last told in the thread, "" while none was.
    """

    job_id: str
    revision: int
    told: str


class CancelResult(Enum):
    """What ``Jobs.cancel`` found."""

    UNKNOWN = "unknown"
    FINISHED = "finished"
    DEQUEUED = "dequeued"
    ASKED = "asked"


class Jobs(Protocol):
    """Jobs in Redis: at least once, FIFO in each lane, fenced by leases."""

    async def draft(self, draft: Draft) -> bool:
        """Keep an accepted command; False when the same delivery was accepted before."""

    async def discard(self, draft_id: str) -> None:
        """Forget a draft: it was answered otherwise."""

    async def abandoned_drafts(self, older: float) -> tuple[Draft, ...]:
        """Drafts nobody finished within ``older`` seconds; each is given to one caller only."""

    async def drafts_before(self, draft_id: str) -> tuple[Draft, ...]:
        """The drafts that came before this one on any replica, first come first."""

    async def submit(self, job: Job) -> int:
        """Queue a job and forget its draft; returns how many jobs are ahead in its lanes.

        A job id that was submitted before is left as it is. -1 when the job's draft was answered
        otherwise meanwhile: then it is not queued.
        """

    async def waiting_on(self, job: Job) -> tuple[Job, ...]:
        """The jobs ahead of a queued one in its lanes, first come first."""

    async def audit(self, event: dict[str, str]) -> None:
        """Write an entry to the audit log beside those that jobs write themselves."""

    async def take(self, seconds: float) -> Lease | None:
        """The next job whose lanes are all free, or one whose worker is lost; waits ``seconds``."""

    async def renew(self, lease: Lease) -> str:
        """Keep the lease. Returns who cancelled the job, or "". Raises LeaseLostError."""

    async def release(self, lease: Lease) -> None:
        """Hand an unfinished job back at once, without spending an attempt.

        Raises LeaseLostError when the lease is gone.
        """

    async def load(self, job_id: str) -> Job | None:
        """One job, None when it is unknown or forgotten."""

    async def save(self, lease: Lease, job: Job) -> Job:
        """Write progress; returns the job with its new revision. Raises LeaseLostError."""

    async def finish(self, lease: Lease, job: Job, *, watch: bool) -> Job:
        """Write the verdict, free the lanes, make a delivery due, and end the turn.

        With ``watch`` a WATCH turn of the same job is queued (in no lane). Raises LeaseLostError.
        """

    async def cancel(self, job_id: str, user: str) -> CancelResult:
        """Take a queued job out (its record then is finished, delivery due), or ask its worker."""

    async def active(self) -> tuple[Job, ...]:
        """Queued and running jobs, oldest first."""

    async def recent(self, count: int) -> tuple[Job, ...]:
        """Finished jobs, newest first."""

    async def due_deliveries(self, seconds: float) -> tuple[Delivery, ...]:
        """Deliveries that are due, each given to one caller for 30 s; waits ``seconds`` for one."""

    async def link_timeline(self, job_id: str, link: str) -> None:
        """Note where a finished job's timeline is to be seen, and make a delivery due for it."""

    async def mark_told(self, job_id: str, verdict: str) -> None:
        """Note that who asked was told this verdict in the thread."""

    async def delivered(self, job_id: str, revision: int) -> None:
        """The job's message shows this revision (nothing happens when a newer one is due)."""

    async def postpone(self, job_id: str, seconds: float) -> None:
        """Make the delivery due again after ``seconds``: Slack did not take it."""

    async def ping(self) -> None:
        """Raises StoreUnavailableError when Redis does not answer."""


class Plans(Protocol):
    """Plans that were shown and wait for a decision, in Redis. A plan's id is its job's."""

    async def keep(self, job: Job, seconds: float) -> bool:
        """Let a plan wait for a decision for ``seconds``, in the place of its draft.

        False when the draft was answered otherwise meanwhile: then it is not kept.
        """

    async def load(self, plan_id: str) -> Job | None:
        """A plan that waits, or whose decision is being carried out; else None."""

    async def decide(
        self, plan_id: str, decision: Decision, user: str, draft: str = ""
    ) -> Decided | None:
        """Decide a plan unless that was done before: what stands, None when there is no such plan.

        One that waited for too long is expired, whatever was to be decided. ``draft`` is the id
        of the press that confirms: it is done with that. Whose decision it is carries it out,
        then has to ``forget`` it.
        """

    async def due(self) -> tuple[Decided, ...]:
        """Plans to be carried out by the caller, each given to one caller for 30 s.

        Those that nobody decided in time, expired now, and those whose decision was made by a
        replica that is lost.
        """

    async def forget(self, plan_id: str) -> None:
        """A decision was carried out."""


@dataclass(frozen=True, slots=True)
class Request:
    """One slash command or button press as it came in.

    ``key`` is the same for repeated deliveries. ``text`` is what followed the command. For a
    press ``action_id`` and ``value`` are the button's, ``message`` the ts of its message.
    """

    key: str
    user: str
    channel: str
    text: str = ""
    reply_url: str = ""
    action_id: str = ""
    value: str = ""
    message: str = ""


Receive = Callable[[Request], Awaitable[Message | None]]
"""Takes a request in. What it returns is shown to the person alone, in the answer itself."""


class Drawing(Protocol):
    """Makes pictures of figures."""

    async def png(self, figure: Figure) -> bytes:
        """The picture as PNG; one at a time is drawn, others wait. Raises DrawingError."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be shared: ``summary`` says what is in a picture, for who cannot see it; ``said``
    is the message beside it, escaped."""

    name: str
    title: str
    content: bytes
    summary: str = ""
    said: str = ""


Still = Callable[[], bool]
"""Whether the caller may speak yet: asked right before a call to Slack, which may have to wait."""


class Chat(Protocol):
    """The conversation. Outgoing calls are coalesced and kept within Slack's limits.

    Where ``still`` says no, nothing is sent: ``post`` and ``edit`` raise LeaseLostError then.
    """

    async def post(
        self, channel: str, message: Message, thread: str = "", *, still: Still | None = None
    ) -> str:
        """Post and return the message's ts. Raises CannotPostError with the way out."""

    def show(self, channel: str, ts: str, message: Message, *, still: Still | None = None) -> None:
        """Show progress: only the newest state is sent, when the budget allows. Never raises."""

    async def forget(self, channel: str, ts: str) -> None:
        """Drop the progress that waits for a message; returns when none is under way any more.

        To be called before another replica may write to the message. ``show`` works again after.
        """

    async def settle(self, channel: str, ts: str, message: Message) -> None:
        """Show a final state: goes before any progress, drops what is pending for the message.

        Returns when Slack has it. Raises ChatUnavailableError when Slack did not take it in time.
        """

    async def edit(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Bring a message into a state that may change again: as ``settle``, but ``show`` works
        on it afterwards."""

    async def reply(self, user: str, channel: str, reply_url: str, message: Message) -> None:
        """Say something to one person alone (ephemeral)."""

    async def send_file(self, user: str, name: str, title: str, content: bytes) -> None:
        """Send a file to one person alone, in the direct conversation with the bot."""

    async def share(self, channel: str, file: Upload, thread: str = "") -> str:
        """Share a file in a channel, or in a thread of it; returns a link to it ("" for none).

        Raises CannotPostError with the way out.
        """

    async def publish(self, user: str, view: Message) -> None:
        """Show a person's Home tab; raises ChatUnavailableError when the budget is used up."""

    async def find(self, channel: str, subject: str) -> str:
        """The ts of a job's or an incident's message by the id in its metadata, "" when there is
        none or it may not look."""

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a user group (``S…``)."""
