"""What is refused before anything is changed, and with which message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.domain.operations.preflight import (
    check_restart,
    check_resume,
    check_roll_back,
    check_scale,
)
from bot.domain.swarm.model import LastChange, Look, Previous, Service, Task, UpdateState
from tests.unit.looks import NODES, SHUTDOWN, a_service, a_task, running

V1 = "example.org:5000/team/web:1"
BEFORE = Previous("digest", f"{V1}@sha256:{'0' * 64}", LastChange.VERSION)


def refusal(check: Any, *args: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        check(*args)
    return caught.value


def paused(**values: Any) -> Service:
    return a_service(3, update=UpdateState.PAUSED, previous=BEFORE, **values)


def look(service: Service, *tasks: Task) -> Look:
    """A look at the service with two running tasks of its former version, and more."""
    former = tuple(a_task(f"o{slot}", slot, up_to_date=False) for slot in (1, 2))
    return Look(0.0, service, tasks or former, NODES)


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_a_paused_update_must_be_rolled_back_first(check):
    service = paused(can_roll_back=True)
    said = refusal(check, service, look(service), "/orochi")

    assert "its last update failed and is paused" in said.sentence
    assert "resume the bad rollout" in said.sentence
    assert said.hint.startswith("Roll back: `/orochi rollback stack_web`. Then ")


@pytest.mark.parametrize("state", [UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED])
@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_without_a_way_back_there_is_a_way_on(check, state):
    service = a_service(3, update=state, previous=BEFORE)
    said = refusal(check, service, look(service), "/orochi")

    assert "rollback" not in said.hint
    assert said.hint.startswith("Fix what fails, then go on: `/orochi resume stack_web`. Then ")


@pytest.mark.parametrize("state", [UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED])
@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_nothing_is_refused_if_going_on_brings_no_other_version(check, state):
    """Both specs are one version, or no task of another version runs any more."""
    restart = a_service(3, update=state, previous=Previous("d", V1, LastChange.RESTART))
    update = a_service(3, update=state, previous=BEFORE)
    stopping = a_task("o3", 3, up_to_date=False, desired=SHUTDOWN)

    check(restart, look(restart), "/orochi")
    check(update, look(update, *running(1, 2), stopping), "/orochi")


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_a_look_at_another_version_allows_nothing(check):
    service = paused()
    earlier = look(a_service(3, template="v0"), *running(1, 2, 3))

    refusal(check, service, earlier, "/orochi")
    refusal(check, service, Look(0.0, None, (), NODES), "/orochi")


@pytest.mark.parametrize("state", [UpdateState.NONE, UpdateState.UPDATING, UpdateState.COMPLETED])
def test_without_a_paused_update_only_a_resume_is_refused(state):
    for replicas in (3, None):
        service = a_service(replicas, update=state)
        check_restart(service, look(service), "/orochi")
        assert "no paused update" in refusal(check_resume, service).sentence


@pytest.mark.parametrize("state", [UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED])
def test_every_paused_update_can_be_resumed(state):
    """Where a roll back is refused, the refusal names it."""
    service = a_service(3, update=state, previous=BEFORE)

    check_resume(service)
    assert "`/orochi resume stack_web`" in refusal(check_roll_back, service, "/orochi").hint


def test_a_roll_back_to_another_version_is_accepted():
    check_roll_back(paused(can_roll_back=True), "/orochi")


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (a_service(3), "it was never changed"),
        (
            a_service(3, previous=Previous("d", V1, LastChange.NUMBER)),
            "has no older version: Docker keeps one, and the last change was a scale",
        ),
        (
            a_service(3, previous=Previous("d", V1, LastChange.RESTART)),
            "the last change was a restart",
        ),
        (
            a_service(3, previous=BEFORE, update=UpdateState.ROLLBACK_COMPLETED),
            "is already rolled back.",
        ),
    ],
)
def test_a_roll_back_without_effect_is_refused_with_the_reason(service, words):
    said = refusal(check_roll_back, service, "/orochi")

    assert words in said.sentence
    assert "rollback" not in said.hint
    assert not said.hint or "`/orochi update stack_web " in said.hint


def test_advice_for_a_service_without_a_stack_means_that_service():
    """A stack may have a service with that short name."""
    service = replace(paused(can_roll_back=True), stack="")

    said = refusal(check_scale, service, look(service), "/orochi")

    assert said.hint.startswith("Roll back: `/orochi rollback /stack_web`. Then ")
