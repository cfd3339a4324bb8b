"""A confirmed plan compared with a fresh recording: done, to do, or stale with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from bot.domain.deploys.staleness import StepStanding, judge, stale, what_changed
from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    Replicas,
    ServiceChange,
)

NETWORK = PlanStep(Kind.NETWORK, PlanAction.CREATE, "s_net", wanted="n1")
CONFIG = PlanStep(Kind.CONFIG, PlanAction.CREATE, "s_cfg", wanted="c1", content="content")
LABELS = PlanStep(Kind.SECRET, PlanAction.UPDATE, "s_sec", "id3", 3, "l0", "l1", "content")
CREATE = PlanStep(Kind.SERVICE, PlanAction.CREATE, "s_new", wanted="w1")
UPDATE = PlanStep(Kind.SERVICE, PlanAction.UPDATE, "s_web", "id1", 7, "b0", "w0")
REMOVE = PlanStep(Kind.SERVICE, PlanAction.REMOVE, "s_old", "id2", 8, "o0", "")


def service(step: PlanStep, old: str = "", new: str = "") -> ServiceChange:
    """A service of the plan with one field."""
    fields = (Difference("image", old, new),)
    return ServiceChange(step.name, step.action, id=step.id, base=step.base, fields=fields)


PLAN = Plan(
    "s",
    (NETWORK, CONFIG, LABELS, CREATE, UPDATE, REMOVE),
    (service(CREATE, "", "a:1"), service(REMOVE, "c:1", ""), service(UPDATE, "b:1", "b:2")),
    digest="d",
)


def recorded(
    *steps: PlanStep, services: tuple[ServiceChange, ...] = PLAN.services, gone: str = ""
) -> Plan:
    """A fresh plan with other steps and services; ``gone`` was removed from the stack."""
    named = {each.name: each for each in PLAN.services} | {each.name: each for each in services}
    named.pop(gone, None)
    return Plan("s", steps, tuple(named.values()))


def standing(step: PlanStep, fresh: Plan) -> tuple[StepStanding, str]:
    """The state of a step of the plan."""
    found = next(each for each in judge(PLAN, fresh) if each.step == step)
    return found.standing, found.why


def test_every_step_of_a_plan_compared_with_itself_is_to_do() -> None:
    assert [each.standing for each in judge(PLAN, PLAN)] == [StepStanding.TO_DO] * 6
    assert stale(PLAN, PLAN) == ()


def test_versions_and_ids_are_ignored() -> None:
    fresh = replace(PLAN, steps=tuple(replace(each, version=99) for each in PLAN.steps))

    assert [each.standing for each in judge(PLAN, fresh)] == [StepStanding.TO_DO] * 6


@pytest.mark.parametrize("step", [NETWORK, CONFIG, LABELS])
def test_steps_missing_from_the_fresh_plan_are_done(step: PlanStep) -> None:
    assert standing(step, recorded()) == (StepStanding.DONE, "")


def test_services_in_the_planned_state_are_done() -> None:
    made = replace(service(CREATE), action=None, base="w1")
    updated = replace(service(UPDATE), action=None, base="w0")
    fresh = recorded(services=(made, updated), gone="s_old")

    assert {standing(step, fresh) for step in (CREATE, UPDATE, REMOVE)} == {(StepStanding.DONE, "")}
    assert stale(PLAN, fresh) == ()


CHANGED = "s_web changed since the plan was made"
STALE = [
    (
        UPDATE,
        recorded(
            replace(UPDATE, base="b9"),
            services=(replace(service(UPDATE, "b:9", "b:2"), base="b9"),),
        ),
        f"{CHANGED}: image b:1 → b:9.",
    ),
    (
        UPDATE,
        recorded(replace(UPDATE, wanted="w9"), services=(service(UPDATE, "b:1", "b:9"),)),
        f"The definition of {CHANGED}".replace("s_web", "s_web in the stack's file or variables")
        + ": image b:2 → b:9.",
    ),
    (
        UPDATE,
        recorded(replace(UPDATE, wanted="w9"), services=(service(UPDATE, "b:1", "c:2"),)),
        f"The definition of {CHANGED}".replace("s_web", "s_web in the stack's file or variables")
        + ": image b:2 → c:2.",
    ),
    (UPDATE, recorded(gone="s_web"), "s_web was removed since the plan was made."),
    (
        UPDATE,
        recorded(
            replace(UPDATE, action=PlanAction.CREATE, base=""),
            services=(service(replace(UPDATE, base="")),),
        ),
        "s_web was removed since the plan was made.",
    ),
    (
        UPDATE,
        recorded(
            replace(UPDATE, action=PlanAction.REMOVE, wanted=""),
            services=(replace(service(UPDATE, "b:1", ""), action=PlanAction.REMOVE),),
        ),
        "s_web would be removed: it is no longer in the stack's file.",
    ),
    (
        CREATE,
        recorded(
            replace(CREATE, action=PlanAction.UPDATE, base="x"),
            services=(replace(service(CREATE), base="x"),),
        ),
        "s_new was created by someone else since the plan was made.",
    ),
    (
        REMOVE,
        recorded(services=(replace(service(REMOVE, "c:1", "c:1"), action=None),)),
        "s_old would stay: the stack's file has it again.",
    ),
    (
        CONFIG,
        recorded(replace(CONFIG, content="other")),
        "The config s_cfg or its definition in the stack's file changed since the plan was made.",
    ),
]


@pytest.mark.parametrize(("step", "fresh", "why"), STALE, ids=[why for _, _, why in STALE])
def test_each_reason_for_a_stale_plan(step: PlanStep, fresh: Plan, why: str) -> None:
    assert standing(step, fresh) == (StepStanding.STALE, why)
    assert why in stale(PLAN, fresh)


def test_a_tag_that_was_pushed_again_is_no_change_of_the_file() -> None:
    confirmed = Plan("s", (UPDATE,), (service(UPDATE, "b:1@sha256:aa", "b:2@sha256:bb"),))
    fresh = Plan(
        "s",
        (replace(UPDATE, wanted="w9"),),
        (service(UPDATE, "b:1@sha256:aa", "b:2@sha256:cc"),),
    )

    assert stale(confirmed, fresh) == (
        "s_web: the registry has a newer image for b:2 than when the plan was made.",
    )


def test_changes_beyond_the_plan_are_reported() -> None:
    """A service that should stay unchanged, and one that is not part of the plan."""
    stays = ServiceChange("s_db", None, "id9", "d0", fields=(Difference("image", "d:1", "d:1"),))
    confirmed = Plan("s", (), (stays,))
    changed = replace(
        stays, action=PlanAction.UPDATE, base="d9", fields=(Difference("image", "d:9", "d:1"),)
    )
    steps = (PlanStep(Kind.SERVICE, PlanAction.UPDATE, "s_db", "id9", 1, "d9", "d0"), NETWORK)

    assert stale(confirmed, Plan("s", steps, (changed,))) == (
        "s_db changed since the plan was made: image d:1 → d:9.",
        "The network s_net is not in the plan: now it would be created.",
    )


def test_a_removed_service_that_the_plan_keeps_is_reported() -> None:
    """It is not reported field by field, as if each had been changed to nothing."""
    stays = ServiceChange("s_db", None, "id4", "d0", fields=(Difference("image", "d:1", "d:1"),))
    again = PlanStep(Kind.SERVICE, PlanAction.CREATE, "s_db", wanted="d0")

    assert stale(
        replace(PLAN, services=(*PLAN.services, stays)),
        recorded(*PLAN.steps, again, services=(service(again, "", "d:1"),)),
    ) == ("s_db was removed since the plan was made.",)


def test_only_the_first_of_many_changes_are_listed() -> None:
    fields = [Difference(f"field {number}", "", "x") for number in range(5)]

    assert what_changed("s_web", fields) == (
        "s_web changed since the plan was made: field 0 nothing → x; field 1 nothing → x; "
        "field 2 nothing → x; and 2 more."
    )
    assert what_changed("s_web", []) == "s_web changed since the plan was made."


def test_a_plan_survives_serialization() -> None:
    adapter = TypeAdapter(Plan)
    plan = replace(PLAN, warnings=("Mind this.",))
    scaled = replace(plan.services[0], replicas=Replicas(1, 2, 2))
    plan = replace(plan, services=(scaled, *plan.services[1:]))

    assert adapter.validate_json(adapter.dump_json(plan)) == plan
    assert plan.file_replicas == {"s_new": 2, "s_web": None}
    assert plan.removals == (REMOVE,)
    assert not plan.empty


def test_a_changed_file_is_the_reason_and_all_that_is_told() -> None:
    """Its new object, and what it changes in the services, follow from it."""
    then = replace(PLAN, files={"secret/s_key-11111111": "s_key", "config/shared": ""})
    now = replace(
        recorded(NETWORK, services=()),
        files={"secret/s_key-22222222": "s_key", "config/s_new-11111111": "s_new"},
    )

    assert stale(then, now) == (
        "The secret key changed since the plan was made, in its file or in the swarm.",
    )
