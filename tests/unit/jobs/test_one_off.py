"""A command that cannot begin ends with a clear verdict, and at once if somebody cancels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands.values import Run
from bot.domain.errors import NotFoundError, RefusedError, SwarmUnavailableError
from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Mode, Service
from bot.jobs.one_off import OneOffRunner
from handlers.run import RunHandler
from tests.messages.sample import context, port

WEB = Service("s1", "orochi_web", 1, Mode.REPLICATED, 1, "web:1", stack="orochi")


class Leased:
    """A lease on a job that runs a command; ``ended`` is its last record."""

    def __init__(self) -> None:
        target = Target("orochi_run-k3f9ab", WEB.id, 1)
        self.job = Job(
            "k3f9ab", "run", "orochi", "run web -- ls", "U1", "C1", 0.0, (target,),
            arguments=("ls",),
        )  # fmt: skip
        self.cancelled = asyncio.Event()
        self.cancelled_by = ""
        self.authority = SimpleNamespace(held=self._held)

    async def _held(self) -> None:
        """As in ``Lease``."""

    def still(self) -> float:
        """As in ``JobLease``."""
        return 10.0

    async def save(self, job: Job) -> Job:
        """As in ``JobLease``."""
        self.job = job
        return job

    async def finish(self, job: Job, *, probation: bool) -> None:
        """As in ``JobLease``."""
        assert not probation
        self.job = job


async def ended(swarm: Any, lease: Leased, one_offs: Any = None) -> Outcome:
    """How the job ends."""
    chat = SimpleNamespace(show=lambda *_, **__: None)
    ctx = context(swarm=swarm, one_offs=one_offs, chat=chat)
    ctx.clock.sleep = asyncio.sleep
    async with asyncio.timeout(10):
        await OneOffRunner(ctx).run(lease)  # type: ignore[arg-type]
    (outcome,) = lease.job.outcomes
    assert outcome is not None
    return outcome


async def test_a_service_that_is_removed_before_the_command_begins() -> None:
    outcome = await ended(port(service=NotFoundError("There is no service s1.")), Leased())

    assert outcome.verdict is Verdict.REFUSED
    assert outcome.reason == (
        "Someone removed the service before the command began. Nothing was changed."
    )


async def test_cancelling_does_not_wait_for_an_engine_that_does_not_answer() -> None:
    lease = Leased()

    async def service(_id: str) -> Service:
        lease.cancelled.set()
        raise SwarmUnavailableError("The engine does not answer.")

    outcome = await ended(SimpleNamespace(service=service), lease)

    assert outcome.verdict is Verdict.CANCELLED
    assert outcome.reason.startswith("Cancelled while the engine was asked to start it.")


async def test_a_service_without_containers_is_refused() -> None:
    """One of a plugin, or the attachment of a container to a network."""
    service = replace(WEB, image="")
    ctx = context(looks=port(services=(service,)), swarm=port(service=service))
    pending = PendingCommand("k3f9ab", "key", "command", "run web -- ls", "U1", "C1", "", 1.0)

    with pytest.raises(RefusedError, match="`web` has no containers"):
        await RunHandler(ctx).begin(pending, Run("web", ("ls",)))
