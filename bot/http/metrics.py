"""The bot's Prometheus metrics."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job
from bot.ports import FeedStatus

ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
JOB_BUCKETS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900)


class Metrics:
    """The registry of one bot. docs/integrations.md lists the metric names."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._feed: Callable[[], FeedStatus] | None = None
        self._ack = Histogram(
            "orochi_ack_seconds",
            "Seconds from the arrival of a command, button or message to its acknowledgement",
            buckets=ACK_BUCKETS,
            registry=self.registry,
        )
        self._loop_lag = Histogram(
            "orochi_loop_lag_seconds",
            "Seconds by which the event loop was late for a timer",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self._jobs = Counter(
            "orochi_jobs",
            "Jobs that this replica finished",
            ["action", "verdict"],
            registry=self.registry,
        )
        self._job_seconds = Histogram(
            "orochi_job_seconds",
            "Seconds from a command to its job's verdict",
            ["action"],
            buckets=JOB_BUCKETS,
            registry=self.registry,
        )
        self._working = Gauge(
            "orochi_jobs_working", "Jobs this replica works on", registry=self.registry
        )
        self._lag = Gauge(
            "orochi_feed_lag_seconds",
            "Seconds since the feed was last known to be complete",
            ["kind"],
            registry=self.registry,
        )
        self._incidents = Counter(
            "orochi_incidents",
            "Incidents that this replica reported",
            ["cause"],
            registry=self.registry,
        )
        self._watches = Gauge(
            "orochi_watches",
            "Whether this replica watches the swarm (1) or another one (0)",
            registry=self.registry,
        )
        self._full = Gauge(
            "orochi_redis_full",
            "Whether Redis refuses new data (1) or not (0)",
            registry=self.registry,
        )
        self._up = Gauge(
            "orochi_up", "Whether a part answers (1) or not (0)", ["part"], registry=self.registry
        )

    def acked(self, seconds: float) -> None:
        """A request was acknowledged."""
        self._ack.observe(seconds)

    def loop_lagged(self, seconds: float) -> None:
        """The event loop was late for a timer."""
        self._loop_lag.observe(seconds)

    def job_ended(self, job: Job) -> None:
        """A job got its verdict on this replica."""
        verdict = job.verdict.value if job.verdict else "none"
        self._jobs.labels(job.action, verdict).inc()
        if job.finished is not None:
            self._job_seconds.labels(job.action).observe(max(0.0, job.finished - job.created))

    def incident_began(self, incident: Incident) -> None:
        """An incident was announced for the first time."""
        self._incidents.labels(incident.cause.kind.value).inc()

    def watch(self, leads: Callable[[], bool]) -> None:
        """Set the function that says, at every scrape, whether this replica watches the swarm."""
        self._watches.set_function(lambda: float(leads()))

    def store(self, full: Callable[[], bool]) -> None:
        """Set the function that says, at every scrape, whether Redis refuses new data."""
        self._full.set_function(lambda: float(full()))

    def up(self, part: str, *, answers: bool) -> None:
        """Record whether a part answered its last check."""
        self._up.labels(part).set(1 if answers else 0)

    def follow(self, working: Callable[[], int], feed: Callable[[], FeedStatus]) -> None:
        """Set the functions that are read at every scrape."""
        self._working.set_function(working)
        self._feed = feed

    def text(self) -> bytes:
        """The metrics in exposition format, text version 0.0.4."""
        if self._feed is not None:
            status = self._feed()
            self._lag.clear()  # the label changes when the control socket appears or disappears
            self._lag.labels(status.kind).set(status.lag)
        return generate_latest(self.registry)
