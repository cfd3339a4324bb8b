"""Removing a stack: what goes, what is refused, and how it ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.deploys.version import Version
from bot.domain.jobs.deploy_plan import Kind, PlanAction
from bot.domain.jobs.model import REMOVAL, Job, JobState
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.stack_removal import (
    OutsideUse,
    StackContents,
    StackPart,
    already_gone,
    brought_back_by,
    came_since,
    cancelled_before,
    counted,
    ended,
    find_stack,
    is_confirmed,
    left_of,
    not_confirmed,
    not_restored,
    objection,
    plan_of,
    refused,
    rest_of,
    targets_of,
    unknown_stack,
    version_of,
    way_back_sentence,
)

WEB = StackPart(Kind.SERVICE, "s1", "shop_web", 3)
AGENT = StackPart(Kind.SERVICE, "s2", "shop_agent")
NET = StackPart(Kind.NETWORK, "n1", "shop_default")
CONFIG = StackPart(Kind.CONFIG, "c1", "shop_settings")
SHOP = StackContents("shop", (CONFIG, NET, WEB, AGENT), volumes=("shop_data",))
GONE = Outcome(Verdict.CONVERGED, "Removed. All tasks have stopped.")


def a_removal() -> Job:
    """A removal whose two services are removed."""
    plan = plan_of(SHOP)
    job = Job("k3f9ab", REMOVAL, "shop", "remove shop", "U1", "C1", 1.0, targets_of(plan))
    applied = tuple(replace(each, update_before=0.0, applied=2.0) for each in job.targets)
    return replace(job, plan=plan, targets=applied, state=JobState.RUNNING)


def removed() -> Job:
    """The same, when their containers have stopped."""
    return a_removal().with_outcome(0, GONE).with_outcome(1, GONE)


def finished(job: Job) -> tuple[Verdict, str, str]:
    """The verdict of a job with its reason and its advice."""
    assert job.outcome is not None
    return job.outcome.verdict, job.outcome.reason, job.outcome.advice


def test_services_go_first_and_volumes_are_named() -> None:
    plan = plan_of(SHOP)

    assert [step.name for step in plan.steps] == [
        *("shop_agent", "shop_web", "shop_default", "shop_settings"),
    ]
    assert {step.action for step in plan.steps} == {PlanAction.REMOVE}
    assert plan.volumes == ("shop_data",)
    assert counted(plan.steps) == "2 services, 1 network, 1 config"
    assert [step.id for step in rest_of(plan)] == ["n1", "c1"]


def test_the_job_holds_the_lanes_of_the_stack_and_its_services() -> None:
    """As a deploy does; its target is the stack."""
    job = a_removal()

    assert job.lanes == ("stack:shop", "shop_agent", "shop_web")
    assert job.target == "shop"
    assert job.services_at == (0, 1)


def test_a_stack_without_services_has_a_lane_and_an_outcome() -> None:
    plan = plan_of(StackContents("shop", (NET,)))
    job = replace(a_removal(), plan=plan, targets=targets_of(plan))

    assert job.lanes == ("stack:shop",)
    assert finished(ended(job, (), ""))[1] == "Removed: 1 network."


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("shop", "shop"),
        ("SHOP", "shop"),
        ("Blog", "Blog"),
        ("blog", "blog"),
        ("BLOG", ""),
        ("x", ""),
    ],
)
def test_a_name_is_never_guessed(typed: str, found: str) -> None:
    assert find_stack(typed, ("shop", "blog", "Blog")) == found


def test_an_unknown_stack_is_answered_with_one_that_is_alike() -> None:
    assert unknown_stack("shpo", ("shop",), "/o").hint == "Did you mean `/o remove shop`?"
    assert "/o stacks" in unknown_stack("xyz", ("shop",), "/o").hint


@pytest.mark.parametrize("typed", ["shop", " shop ", "Shop", "shop/"])
def test_the_name_confirms_it(typed: str) -> None:
    assert is_confirmed(a_removal(), typed)


@pytest.mark.parametrize(
    ("typed", "why"),
    [("", "was not typed"), (" ", "was not typed"), ("shp", "not the name"), ("shop x", "not the")],
)
def test_anything_else_does_not(typed: str, why: str) -> None:
    job = a_removal()

    assert not is_confirmed(job, typed)
    assert why in not_confirmed(job, typed).sentence
    assert "Type `shop`" in not_confirmed(job, typed).hint


def test_a_stack_that_others_use_is_not_removed() -> None:
    use = OutsideUse("blog_web", Kind.NETWORK, "shop_default")
    more = (use, OutsideUse("proxy", Kind.CONFIG, "shop_settings"))

    one = objection(replace(SHOP, uses=(use,)), "/o")
    two = objection(replace(SHOP, uses=more), "/o")
    run = objection(replace(SHOP, uses=(replace(use, run="k3f9ab"),)), "/o")

    assert objection(SHOP, "/o") is None
    assert one is not None
    assert one.sentence == (
        "`blog_web` is not part of the stack `shop`, but uses the network `shop_default` of the"
        " stack `shop`."
    )
    assert "First remove `blog_web`" in one.hint
    assert two is not None
    assert two.sentence.endswith("1 other service uses it, too.")
    assert run is not None
    assert run.hint == "Wait for its end, or stop it: `/o cancel k3f9ab`"


def test_the_bot_does_not_remove_itself() -> None:
    error = objection(replace(SHOP, has_bot=True), "/o")

    assert error is not None
    assert error.hint == "On a manager: `docker stack rm shop`"


def test_what_came_since_the_confirmation_is_named() -> None:
    """What went since does not matter; a service that was made anew is another one."""
    again = replace(WEB, id="s9")

    assert came_since(plan_of(SHOP), replace(SHOP, parts=(WEB, NET))) == ()
    assert came_since(plan_of(SHOP), replace(SHOP, parts=(again, NET))) == (
        "The service shop_web was created since the plan was made.",
    )


def test_all_is_removed() -> None:
    assert finished(ended(removed(), (), "")) == (
        Verdict.CONVERGED,
        "Removed: 2 services, 1 network, 1 config. Volume kept: shop_data.",
        "",
    )


def test_a_network_that_stays_in_use_is_named() -> None:
    left = left_of(plan_of(SHOP), replace(SHOP, parts=(NET,)))

    verdict, reason, advice = finished(ended(removed(), left, "The engine says: in use."))

    assert verdict is Verdict.TIMED_OUT
    assert reason == (
        "Removed: 2 services, 1 config. Still there: network shop_default. The engine says: in use."
    )
    assert advice == "Stop what uses it, then remove the stack again."


def test_containers_that_do_not_stop_are_named_first() -> None:
    slow = Outcome(Verdict.TIMED_OUT, "Removed, but 1 of its containers did not stop.", "Look.")
    job = removed().with_outcome(1, slow)

    verdict, reason, advice = finished(ended(job, (), ""))

    assert (verdict, advice) == (Verdict.TIMED_OUT, "Look.")
    assert reason.startswith("web: Removed, but 1 of its containers did not stop. Removed: 2 serv")
    assert reason.endswith("Nothing of it is left in the swarm.")


def test_a_service_that_cannot_be_removed_stops_it() -> None:
    job = a_removal()
    job = job.with_target(1, replace(job.targets[1], applied=None))
    job = job.with_target(0, replace(job.targets[0], applied=None))
    job = job.with_outcome(0, Outcome(Verdict.FAILED, "Not removed: no.", "Allow it."))

    over = ended(job, plan_of(SHOP).steps, "")

    assert finished(over)[0] is Verdict.FAILED
    assert finished(over)[1].startswith("agent: Not removed: no. Still there: service shop_agent")
    assert over.outcomes[1] == Outcome(Verdict.REFUSED, "Not removed: another one failed first.")


def test_who_stops_waiting_learns_what_is_left() -> None:
    job = a_removal().with_outcome(0, GONE)

    over = ended(job, rest_of(plan_of(SHOP)), "", "U2")

    assert over.cancelled_by == "U2"
    assert finished(over) == (
        Verdict.CANCELLED,
        "Removed: 2 services. Still there: network shop_default, config shop_settings.",
        "To remove the rest, remove the stack again.",
    )
    assert over.outcomes[1] == Outcome(Verdict.CANCELLED, "Removed. No longer watched.")


def test_what_is_left_may_be_unknown() -> None:
    assert "It is unknown what is left" in finished(ended(removed(), None, "away"))[1]


def test_nothing_is_changed_before_it_begins() -> None:
    for job in (refused(a_removal(), "No."), cancelled_before(a_removal(), "U2")):
        assert finished(job)[1].endswith("Nothing was changed.")
    assert finished(already_gone(a_removal()))[0] is Verdict.CONVERGED


def test_it_is_kept_as_a_version_with_the_replicas_to_bring_back() -> None:
    """A global service has no number."""
    last = Version("shop", "j", "U1", 1.0, Verdict.CONVERGED, "", {}, {"shop_web": 2})
    job = replace(ended(removed(), (), ""), finished=9.0)
    own = replace(last, job=job.id, replicas={})

    version = version_of(job, (own, last), 8.0)

    assert version.removed
    assert (version.job, version.verdict, version.at) == ("k3f9ab", Verdict.CONVERGED, 9.0)
    assert version.before == {"shop_web": 3}
    assert (version.images, version.replicas, version.bundle) == ({}, {"shop_web": 2}, "")
    assert version_of(job, (), 8.0).replicas == {}


def test_the_plan_says_what_brings_it_back() -> None:
    good = Version("shop", "j", "U1", 1.0, Verdict.CONVERGED, "", {}, {}, number=4, bundle="a")
    bad = replace(good, verdict=Verdict.FAILED, number=5)

    assert brought_back_by("shop", (bad, good)) == good
    assert brought_back_by("shop", (good, bad)) == good
    assert brought_back_by("shop", (bad,)) is None
    assert brought_back_by("shop", ()) is None
    assert "version 4: `/o rollback shop/`" in way_back_sentence("shop", 4, "/o", has_file=True)
    assert "`/o deploy shop`" in way_back_sentence("shop", 0, "/o", has_file=True)
    assert "Warning: nothing can bring it back" in way_back_sentence(
        "shop", 0, "/o", has_file=False
    )


def test_what_a_version_does_not_bring_back_is_named() -> None:
    images = {"shop_web": "web:1@sha256:aaaa1111aaaa1111", "shop_old": "old:1"}
    version = Version("shop", "j", "U1", 1.0, Verdict.CONVERGED, "", images, {}, number=4)
    web = replace(WEB, image="web:2@sha256:bbbb2222bbbb2222")
    pushed = replace(WEB, image="web:1@sha256:bbbb2222bbbb2222")
    same = replace(WEB, image=images["shop_web"])

    def told(*parts: StackPart) -> tuple[str, ...]:
        return not_restored(plan_of(StackContents("shop", parts)), version)

    assert told(web, AGENT) == (
        "Version 4 has another image for web: web:1, not web:2.",
        "Version 4 has no service agent.",
    )
    assert told(pushed) == (
        "Version 4 has another image for web: web:1@aaaa1111aaaa, not web:1@bbbb2222bbbb.",
    )
    assert told(same) == ()


def test_a_stack_that_was_removed_before_can_be_brought_back() -> None:
    error = unknown_stack("shop", ("web",), "/o", deployed=True)

    assert error.sentence == "The stack `shop` is not in the swarm any more."
    assert error.hint == "To bring it back: `/o rollback shop/`"


def test_a_command_that_runs_like_its_service_is_an_objection() -> None:
    use = OutsideUse("shop_run-k3f9ab", Kind.SERVICE, "shop_web", "k3f9ab")

    error = objection(replace(SHOP, uses=(use,)), "/o")

    assert error is not None
    assert error.sentence == (
        "`shop_run-k3f9ab`, the command of job `k3f9ab`, uses what the service `shop_web` has."
    )
