"""What is refused before anything is changed, and with which message."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.domain.operations.preflight import check_restart, check_roll_back, check_scale, image_name
from bot.domain.swarm.model import LastChange, Previous, Service, UpdateState
from tests.unit.looks import a_service

V1 = "example.org:5000/team/web:1"
BEFORE = Previous("digest", f"{V1}@sha256:{'0' * 64}", LastChange.VERSION)


def refusal(check: Any, *args: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        check(*args)
    return caught.value


def paused(**values: Any) -> Service:
    return a_service(3, update=UpdateState.PAUSED, previous=BEFORE, **values)


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_a_paused_update_must_be_rolled_back_first(check):
    said = refusal(check, paused(can_roll_back=True), "/orochi")

    assert "its last update failed and is paused" in said.sentence
    assert "resume the bad rollout" in said.sentence
    assert said.hint.startswith("Roll back: `/orochi rollback stack_web`. Then ")


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_dockers_own_command_is_named_for_another_stacks_service(check):
    said = refusal(check, paused(can_roll_back=True), "")

    assert "`docker service rollback stack_web`" in said.hint


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_a_roll_back_that_would_be_refused_is_not_offered(check):
    said = refusal(check, paused(), "/orochi")

    assert "rollback" not in said.hint
    assert "Deploy a working one" in said.hint


@pytest.mark.parametrize("check", [check_scale, check_restart])
def test_after_a_roll_back_that_failed_the_bad_version_is_not_offered(check):
    service = a_service(3, update=UpdateState.ROLLBACK_PAUSED, previous=BEFORE)
    said = refusal(check, service, "/orochi")

    assert "its last rollback failed and is paused" in said.sentence
    assert said.hint.startswith("First see what fails and fix it: `/orochi ps stack_web`.")
    assert "`docker service ps --no-trunc stack_web`" in refusal(check, service, "").hint


@pytest.mark.parametrize("state", [UpdateState.NONE, UpdateState.UPDATING, UpdateState.COMPLETED])
def test_a_restart_is_accepted_otherwise(state):
    check_restart(a_service(3, update=state), "/orochi")
    check_restart(a_service(None, update=state), "/orochi")


def test_a_roll_back_to_another_version_is_accepted():
    check_roll_back(paused(can_roll_back=True))


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
    said = refusal(check_roll_back, service)

    assert words in said.sentence
    assert "/orochi" not in said.hint


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("web:1", "web:1"),
        (f"web:1@sha256:{'0' * 64}", "web:1"),
        ("host:5000/web@sha256:00", "host:5000/web@sha256:00"),
        ("host:5000/web", "host:5000/web"),
        ("", ""),
    ],
)
def test_an_image_is_named_without_the_digest_of_its_tag(image, name):
    assert image_name(image) == name
