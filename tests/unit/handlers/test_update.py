"""What an update finds when another worker takes its job over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bot.domain.errors import SupersededError
from bot.domain.jobs.model import Target
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.image_change import is_taken_back
from bot.domain.swarm.model import LastChange, Look, Mode, Previous, Service, UpdateState
from handlers.update import UpdateHandler

OLD, NEW, OTHER = (
    f"web:{tag}@sha256:{digit * 64}" for tag, digit in (("1", "a"), ("2", "b"), ("3", "c"))
)
TARGET = Target("st_web", "s", 1, image=NEW, image_before=OLD, update_before=100.0)
SERVICE = Service("s", "st_web", 7, Mode.REPLICATED, 1, image=OLD, update_started=100.0)
BACK = replace(
    SERVICE,
    previous=Previous("d", NEW, LastChange.VERSION),
    update=UpdateState.ROLLBACK_COMPLETED,
    update_started=200.0,
    update_message="update rolled back due to failure or early termination of task t",
)


async def objection(service: Service, target: Target = TARGET) -> Any:
    handler = UpdateHandler(cast("Any", None), cast("Any", None))
    return await handler.objection(target, Look(0.0, service, (), ()))


async def test_an_update_that_was_made_and_rolled_back_is_not_made_again():
    outcome = await objection(BACK)

    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "rolled back due to failure" in outcome.reason
    assert is_taken_back(TARGET, BACK)
    assert is_taken_back(TARGET, replace(BACK, previous=None))


@pytest.mark.parametrize(
    "service",
    [
        SERVICE,
        replace(SERVICE, previous=Previous("d", NEW, LastChange.VERSION)),
        replace(SERVICE, image=NEW, update_started=200.0),
        replace(BACK, update=UpdateState.COMPLETED, previous=None),
    ],
)
async def test_one_that_was_not_made_or_stands_goes_on(service: Service):
    assert await objection(service) is None


async def test_another_image_is_somebody_elses():
    outcome = await objection(replace(SERVICE, image=OTHER))

    assert outcome.verdict is Verdict.SUPERSEDED
    assert "`web:3`" in outcome.reason


async def test_a_plan_is_only_for_what_it_was_made_on():
    planned = replace(TARGET, update_before=None, template="t1")

    outcome = await objection(replace(SERVICE, template="t2"), planned)

    assert outcome.verdict is Verdict.SUPERSEDED
    assert "since the plan was made. Nothing was changed." in outcome.reason


async def test_a_write_of_unknown_outcome_is_not_repeated_after_a_rollback():
    class Swarm:
        async def look(self, _: str) -> Look:
            return Look(0.0, BACK, (), ())

        async def set_image(self, *arguments: Any, **_: Any) -> Any:
            arguments[3](BACK)
            raise AssertionError("it was written")

    class Context:
        swarm = Swarm()
        command = "/orochi"

    handler = UpdateHandler(cast("Any", Context()), cast("Any", None))
    with pytest.raises(SupersededError):
        await handler.make(TARGET, doubtful=True, still=lambda: True)


def test_a_renewal_is_noted_with_the_next_count_of_forced_updates():
    handler = UpdateHandler(cast("Any", None), cast("Any", None))
    renewal = replace(TARGET, image=OLD, restarts=1, update_before=None)

    noted = handler.noted(renewal, Look(0.0, replace(SERVICE, restarts=4), (), ()))

    assert noted.restarts == 5
    assert handler.noted(TARGET, Look(0.0, replace(SERVICE, restarts=4), (), ())).restarts == 0
