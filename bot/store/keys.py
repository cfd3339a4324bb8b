"""Every Redis key with its lifetime.

All keys begin with the prefix. Every script gets the keys of ``Keys.all`` in this order;
``scripts/prelude.lua`` gives them the same names.

    ready               stream   a token for each turn that a worker may begin; group WORKERS
    active              zset     queued and running jobs by their number
    history             zset     finished jobs by the time of their end (Unix ms, with µs); trimmed
    deliveries          zset     finished jobs whose message does not show it, by next attempt (ms)
    wake                stream   one entry at most: wakes callers that wait for a delivery
    drafts              zset     accepted commands by the time they were last given out (ms)
    draft-records       hash     the same: id -> record
    draft-order         zset     the same by the number in which they came
    draft-leases        zset     the same by the end of their replica's lease (ms)
    channels            set      the channels in which commands were typed
    audit               stream   who did what, to what, with what result; trimmed
    refusals            stream   commands that were refused: apart, so that nobody pushes changes
                                 out of ``audit`` with them; trimmed
    sequence            string   counts the jobs
    leader              string   the token of the leader; until its lease ends
    watch               hash     the watcher's state
    watch-aside         hash     parts of it and alerts (alert:ID) that a replica could not read,
                                 until one that can takes them up
    alerts              hash     incidents that are open or not fully delivered: id -> record
    incident-history    zset     resolved incidents by the time of their end (Unix ms); trimmed
    incident-records    hash     the same: id -> record; both kept HISTORY_SECONDS after the last
    presses             stream   button presses on incidents; trimmed
    stacks              set      the stacks that have versions
    versions:STACK      zset     the deploys of a stack by their number; trimmed, see note_version
    version:JOB         hash     one of them; BUNDLE_SECONDS while the deploy has not ended
    plans               zset     plans that wait for a decision or its execution, by when they
                                 are to be checked (ms)
    plan-records        hash     the same: id -> record of the planned job
    plan-decisions      hash     decided plans: id -> decision, user and caller; all
                                 three are deleted after the execution
    run                 hash     ``id`` of the Redis process that runs, and ``since`` when (Unix ms)
                                 jobs are taken from it
    job:ID              hash     one job; kept until it is finished, then HISTORY_SECONDS
    lane:SERVICE        list     ids of the jobs of one service, oldest first; deleted when empty
    seen:KEY            string   an accepted delivery of a command; SEEN_SECONDS
    seen:answer:KEY     string   a message that is being answered, for a claim's seconds, or was
                                 answered; SEEN_SECONDS
    seen:gone:ID        string   a pending command that gets no job any more; SEEN_SECONDS
    images              hash     newer images that were told, ``SERVICE_ID DIGEST``; 90 days after
                                 the last
    probe               string   written to see whether Redis takes data; a minute
    budget:NAME         hash     a token bucket; BUDGET_SECONDS after its last use

The fields of ``job:ID``: ``json`` the record; ``state``; ``revision``; ``turn`` and ``entry`` of
its token, ``entry`` empty while it has none; ``attempt`` of this turn; ``owner`` of the lease,
empty while no worker has it; ``cancelled`` the user who cancelled it; ``lanes``; ``due`` the
revision to be shown; ``told`` the verdict that was posted in the thread; ``timeline`` the link to
its picture; ``user``, ``text``, ``target`` for the audit; ``unread`` since when (Unix ms) replicas
took it that cannot read it, ``aside`` once it was set aside for that.

The fields of ``version:JOB``: ``json`` the record and ``well``, once the deploy has ended;
``digest`` and ``sealed`` of the files that it is made from, ``kept`` since when (Unix ms).

The fields of ``watch``: a record for each field of the value, under the field's name; ``handled``
the id of the last press included in it; ``mark`` changes with every write, so that a writer can
detect writes by others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """The numbers and names that scripts use, with the same names in capitals.

    ``workers`` is the consumer group of ``ready``. ``claim_seconds`` is how long a delivery belongs
    to the caller that took it. ``version_count`` applies to each stack. ``bundle_bytes`` limits the
    files of one version, ``bundles_bytes`` those of all versions together.
    """

    workers: str = "workers"
    history_count: int = 200
    history_seconds: int = 30 * 24 * 3600
    seen_seconds: int = 3600
    budget_seconds: int = 300
    claim_seconds: int = 30
    audit_entries: int = 10_000
    refusal_entries: int = 2_000
    press_entries: int = 1000
    version_count: int = 20
    bundle_seconds: int = 24 * 3600
    bundle_bytes: int = 4 * 2**20
    bundles_bytes: int = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of all keys with one prefix."""

    prefix: str = "orochi"

    @property
    def ready(self) -> str:
        """The stream of tokens."""
        return f"{self.prefix}:ready"

    @property
    def active(self) -> str:
        """Queued and running jobs."""
        return f"{self.prefix}:active"

    @property
    def history(self) -> str:
        """Finished jobs."""
        return f"{self.prefix}:history"

    @property
    def wake(self) -> str:
        """The stream that wakes callers waiting for a delivery."""
        return f"{self.prefix}:wake"

    @property
    def channels(self) -> str:
        """The channels in which commands were typed."""
        return f"{self.prefix}:channels"

    @property
    def draft_records(self) -> str:
        """The records of accepted commands."""
        return f"{self.prefix}:draft-records"

    @property
    def images(self) -> str:
        """Newer images that were told."""
        return f"{self.prefix}:images"

    @property
    def probe(self) -> str:
        """Written to see whether Redis takes data."""
        return f"{self.prefix}:probe"

    @property
    def audit(self) -> str:
        """The audit log."""
        return f"{self.prefix}:audit"

    @property
    def refusals(self) -> str:
        """The refused commands."""
        return f"{self.prefix}:refusals"

    @property
    def watch(self) -> str:
        """The watcher's state."""
        return f"{self.prefix}:watch"

    @property
    def watch_aside(self) -> str:
        """What a replica could not read of the watcher's state."""
        return f"{self.prefix}:watch-aside"

    @property
    def alerts(self) -> str:
        """Incidents that are open or not fully delivered."""
        return f"{self.prefix}:alerts"

    @property
    def incident_history(self) -> str:
        """Resolved incidents."""
        return f"{self.prefix}:incident-history"

    @property
    def incident_records(self) -> str:
        """The records of resolved incidents."""
        return f"{self.prefix}:incident-records"

    @property
    def presses(self) -> str:
        """The stream of presses."""
        return f"{self.prefix}:presses"

    @property
    def plan_records(self) -> str:
        """The records of plans."""
        return f"{self.prefix}:plan-records"

    @property
    def all(self) -> tuple[str, ...]:
        """The KEYS of every script; the last five are prefixes of key families."""
        names = (
            "ready active history deliveries wake drafts draft-records draft-order audit "
            "refusals sequence leader watch alerts incident-history incident-records presses "
            "stacks plans plan-records plan-decisions run draft-leases channels "
            "versions: version: job: lane: seen:"
        )
        return tuple(f"{self.prefix}:{name}" for name in names.split())

    @property
    def stacks(self) -> str:
        """The stacks that have versions."""
        return f"{self.prefix}:stacks"

    def versions(self, stack: str) -> str:
        """The deploys of one stack."""
        return f"{self.prefix}:versions:{stack}"

    def version(self, job_id: str) -> str:
        """One deploy."""
        return f"{self.prefix}:version:{job_id}"

    def job(self, job_id: str) -> str:
        """One job."""
        return f"{self.prefix}:job:{job_id}"

    def lane(self, service: str) -> str:
        """The jobs of one service."""
        return f"{self.prefix}:lane:{service}"

    def answered(self, key: str) -> str:
        """One message of a person."""
        return f"{self.prefix}:seen:answer:{key}"

    def budget(self, name: str) -> str:
        """One token bucket."""
        return f"{self.prefix}:budget:{name}"
