"""Plans that would stop running tasks, images, and reasons that are the same for all services."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.deploys.outcomes import refused_stale
from bot.domain.jobs.deploy_plan import Difference, Plan
from bot.domain.jobs.model import JobState
from bot.views.jobs.message import job_message
from bot.views.jobs.plan import plan_message
from tests.unit.hostile import assert_slack_takes
from tests.unit.plans import PLAN, STEPS, WEB, deploy_job

A, B = "a" * 12, "b" * 12
DANGER = "`web` fits on no node (2 nodes: drained). Its 2 running tasks would be stopped for them."


def said(plan: Plan) -> str:
    return str(plan_message(deploy_job(plan), plan, 1.0).blocks)


def test_a_plan_that_stops_running_tasks_asks_in_red_with_the_reason():
    plan = replace(PLAN, dangers=(DANGER,))

    message = plan_message(deploy_job(plan), plan, 1.0)

    assert_slack_takes(message, ["U123"])
    confirm, _ = message.blocks[-1]["elements"]
    assert confirm["style"] == "danger"
    assert "would be stopped" in confirm["confirm"]["text"]["text"]
    assert "🛑 `web` fits on no node" in str(message.blocks)
    plain = plan_message(deploy_job(), PLAN, 1.0)
    assert plain.blocks[-1]["elements"][0]["style"] == "primary"


def with_image(old: str, new: str) -> Plan:
    fields = (
        Difference("image", old, new),
        Difference("image in the file", old.partition("@")[0], new.partition("@")[0]),
        Difference("platforms", "linux/amd64", "linux/arm64"),
    )
    return Plan("orochi", STEPS[3:4], (replace(WEB, fields=fields),))


def test_another_image_is_one_line_without_digests():
    found = said(with_image(f"web:1@sha256:{A}", f"web:2@sha256:{B}"))

    assert "image: `web:1` → `web:2`" in found
    assert "image in the file" not in found
    assert "platforms" not in found


def test_a_tag_that_was_pushed_again_shows_its_digests():
    found = said(with_image(f"web:1@sha256:{A}", f"web:1@sha256:{B}"))

    assert f"`web:1@{A}` → `web:1@{B}` (the tag was pushed again)" in found


def test_a_stale_plan_gives_its_reason_once_and_no_counts():
    job = refused_stale(deploy_job(), ["orochi_web changed since the plan was made."])

    message = job_message(replace(job, state=JobState.FINISHED, finished=2.0), 2.0)

    assert_slack_takes(message, ["U123"])
    assert str(message.blocks).count("orochi_web changed since") == 1
    assert "0/0" not in f"{message.blocks} {message.text}"
