"""What ``jobs ID``, ``nodes NODE`` and ``incidents ID`` show, and the links of the lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.deploys.version import Version
from bot.domain.incidents.model import Incident, IncidentState, NamedJob
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Node, NodeState, Resources, StackLook
from bot.views.history import history_message
from bot.views.incidents.list import incidents_message
from bot.views.incidents.message import incident_detail_message, incident_message
from bot.views.jobs.detail import job_detail_message
from bot.views.jobs.list import jobs_message
from bot.views.status.node import node_message
from tests.unit.hostile import assert_slack_takes, hostile, shown
from tests.unit.looks import PENDING, REJECTED, SHUTDOWN, a_service, a_task, failed

NOW = 2000.0
URL = "https://acme.slack.com/archives/C1/p15"
WEB = a_service(3, stack="stack")
OTHER = a_service(1, id="o", name="shop_db", stack="shop")
NODE = Node(
    "n1",
    "photon-machine-01",
    manager="leader",
    role="manager",
    address="10.0.0.1",
    labels={"zone": "a"},
    engine_version="29.0.1",
    resources=Resources(4 * 10**9, 8 * 2**30),
)
JOB = Job("k3f9ab", "scale", "stack", "scale web 3", "U123", "C1", NOW - 60,
    (Target("stack_web", "s", 3),), message="1.5",
)  # fmt: skip
FIRING = Incident(
    "w4b7ke",
    "s|exit_code|1",
    "stack_web",
    "s",
    Cause(CauseKind.EXIT_CODE, "Exit code 1", exit_code=1),
    IncidentState.FIRING,
    NOW - 90,
    NOW - 30,
    stack="stack",
    channel="C1",
    message="1.5",
)


def where(channel: str, ts: str, thread: str = "", /) -> str:
    return f"https://acme.slack.com/archives/{channel}/p{ts.replace('.', '')}" if ts else ""


def ended(verdict: Verdict = Verdict.CRASH_LOOPING, **values: Any) -> Job:
    outcome = Outcome(verdict, "Slot 2 exits at once.", advice="Read its log.")
    job = replace(JOB, state=JobState.FINISHED, started=NOW - 58, finished=NOW - 40, **values)
    return job.with_outcome(0, outcome)


def told(job: Job, **values: Any) -> Any:
    message = job_detail_message(job, NOW, URL, **values)
    assert_slack_takes(message, {"U123", "U456"})
    return shown(message).split("\n")


def test_a_finished_job_shows_its_course_its_verdict_and_the_next_step():
    lines = told(ended(attempt=2, confirmed_by="U456"), version=7)

    assert lines[0] == "❌ Crash looping: scale web to 3"
    assert "Job `k3f9ab` · scale" in lines
    assert "Stack stack · version 7 in `history`" in lines
    assert "Service: web" in lines
    assert any(each.startswith("Confirmed by <@U456> <!date^") for each in lines)
    assert "Taken over by another replica: attempt 2" in lines
    assert "*web* · Slot 2 exits at once." in lines
    assert "*Next:* Read its log." in lines
    assert f"<{URL}|Its message>" in lines
    assert any(line.startswith("Ended ") and line.endswith("took 20 s") for line in lines)


def test_a_queued_job_and_a_plan_say_what_they_wait_for():
    assert "Waits in the queue" in told(JOB)
    plan = told(JOB, is_plan=True)
    assert plan[0] == "📋 Plan: scale web to 3"
    assert "Waits for *Confirm*" in plan


def detail(*tasks: Any, node: Node = NODE) -> Any:
    look = StackLook(NOW, "", (WEB, OTHER), tasks, (node,))
    message = node_message(look, node, "n1", "stack")
    assert_slack_takes(message)
    return shown(message).split("\n")


def test_a_node_shows_its_tasks_running_first_and_equal_failures_as_one():
    half = Resources(10**9 // 2, 2**30)
    lines = detail(
        a_task("t1", 1, a_task("x").state.STARTING, since=NOW - 5),
        a_task("t2", 2, since=NOW - 300, reservation=half),
        replace(a_task("t3", 1, since=NOW - 60), service_id="o"),
        failed("t4", 1, since=NOW - 120),
        failed("t5", 1, since=NOW - 240),
        a_task("t6", 3, SHUTDOWN),
        a_task("t7", 3, PENDING),
    )

    assert lines[0] == "🟢 photon-machine-01: ready, active"
    assert lines[1] == "manager (leader) · `n1` · the bot runs here"
    assert lines[2] == "engine 29.0.1 · 10.0.0.1"
    assert lines[3:6] == [
        "Labels: zone=a",
        "CPU: 0.5 reserved, 3.5 free",
        "Memory: 1 GiB reserved, 7 GiB free",
    ]
    assert lines[6:8] == ["*Fails here:*", "🔴 web · exit 1 · 2 times, last 2 min ago"]
    assert lines[8:12] == [
        "*3 tasks:*",
        "🟢 shop/db.1 · running · 1 min",
        "🟢 web.2 · running · 5 min",
        "🟡 web.1 · starting · 5 s",
    ]
    assert lines[12] == "and 1 ended"
    assert max(len(line) for line in lines[:13]) <= 48


def test_many_tasks_of_a_node_are_counted_and_a_down_one_says_why():
    tasks = [a_task(f"t{n}", n) for n in range(1, 31)]
    assert "and 10 running" in detail(*tasks)
    down = replace(NODE, state=NodeState.DOWN, message="heartbeat failure")
    lines = detail(node=down)
    assert lines[0] == "🔴 photon-machine-01: down, active"
    assert "The swarm says: heartbeat failure" in lines
    assert "No tasks run here." in lines
    assert not any(line.startswith("CPU") for line in lines)


def test_an_incident_in_detail_links_its_message_and_has_no_buttons():
    taken = replace(FIRING, state=IncidentState.ACKNOWLEDGED, acknowledged_by="U123",
        acknowledged=NOW, evidence="boom", nodes=("photon-machine-01",))  # fmt: skip
    message = incident_detail_message(taken, NOW, where)
    assert_slack_takes(message, {"U123"})

    assert message.metadata is None
    assert not [block for block in message.blocks if block["type"] == "actions"]
    for part in (f"<{URL}|Its message>", "boom", "Acknowledged by <@U123>", "photon-machine-01"):
        assert part in shown(message)


def test_an_alert_that_came_back_names_the_later_update_as_such():
    """It did not begin after it, but was resolved in between."""
    later = NamedJob("fwbkw8", "update", "U123", FIRING.began + 400, "C1", "1.4")
    back = replace(FIRING, reopened=1, last=FIRING.began + 401, began_after=later)
    told = shown(incident_message(back, NOW))
    assert "*Came back after:* update `fwbkw8` by <@U123>" in told
    assert "Began after" not in told


def test_an_alert_names_the_job_it_began_after_and_the_one_it_ended_after():
    deploy = NamedJob("d3p7xy", "deploy", "U123", FIRING.began - 120, "C1", "1.4", way_back=6)
    back = NamedJob("b4ck22", "rollback", "U456", NOW - 20, "C1", "1.6")
    named = replace(FIRING, began_after=deploy, ended_after=back)
    message = incident_message(named, NOW, where=where)
    assert_slack_takes(message, {"U123", "U456"})
    began = "*Began after:* deploy <https://acme.slack.com/archives/C1/p14|d3p7xy> by <@U123>"

    assert f"{began}, 2 min before" in shown(message)
    assert "Resolved after" not in shown(message)
    (remedy,) = [each for each in message.blocks[-1]["elements"] if "job." in each["action_id"]]
    assert (remedy["action_id"], remedy["value"]) == ("job.rollback", "d3p7xy")
    assert remedy["text"]["text"] == "Roll back to version 6"
    ended = replace(named, state=IncidentState.RESOLVED, resolved=NOW)
    text = shown(incident_message(ended, NOW))
    assert "*Resolved after:* rollback `b4ck22` by <@U456>" in text


def test_ids_in_lists_are_links_where_the_message_is_known():
    for job, expected in (
        (JOB, "<https://acme.slack.com/archives/C1/p15|k3f9ab> scale"),
        (replace(JOB, message=""), "`k3f9ab` scale"),
    ):
        assert expected in shown(jobs_message((job,), (), NOW, where=where))
    for incident, expected in (
        (FIRING, "<https://acme.slack.com/archives/C1/p15|w4b7ke> *web*"),
        (replace(FIRING, message=""), "`w4b7ke` *web*"),
    ):
        assert expected in shown(incidents_message((incident,), (), NOW, where=where))
    version = Version("stack", "k3f9ab", "U1", NOW, Verdict.CONVERGED, "", {}, {}, number=1)
    linked = history_message("stack", (version,), NOW, links={"k3f9ab": URL})
    assert f"*<{URL}|1>* · ✅ Converged" in shown(linked)
    assert "job `k3f9ab`" in shown(history_message("stack", (version,), NOW))


@settings(deadline=None)
@given(hostile, st.lists(st.tuples(hostile, hostile), max_size=40))
def test_any_node_can_be_shown(text, texts):
    node = Node("n1", text, role=text, manager=text, address=text, message=text,
        state=NodeState.DOWN, labels=dict(texts), engine_version=text)  # fmt: skip
    services = tuple(a_service(1, id=f"s{i}", name=name) for i, (name, _) in enumerate(texts))
    tasks = [
        replace(failed(f"t{i}", err=err), service_id=f"s{i}") for i, (_, err) in enumerate(texts)
    ]
    assert_slack_takes(node_message(StackLook(NOW, "", services, tuple(tasks), (node,)), node, ""))


MOUNT = "failed to mount local volume: mount :/export/{}: refused"


def test_different_errors_of_one_kind_on_a_node_are_told_apart():
    tasks = tuple(
        a_task(f"t{n}{path}", 1, REJECTED, err=MOUNT.format(path), since=NOW - 10 - n)
        for n, path in enumerate(["a", "a", "b"])
    )
    message = node_message(StackLook(NOW, "", (WEB,), tasks, (NODE,)), NODE, "", "stack")

    assert "\n".join(
        [
            "🔴 web · a volume cannot be mounted · 2 times, last 10 s ago",
            "    …:/export/a: refused",
            "🔴 web · a volume cannot be mounted · 12 s ago",
            "    …:/export/b: refused",
        ]
    ) in shown(message)


def test_services_of_a_node_with_equal_names_are_told_apart():
    alone = a_service(1, id="w", name="web", stack="")
    tasks = (a_task("t1"), replace(a_task("t2"), service_id="w"))
    look = StackLook(NOW, "", (WEB, alone), tasks, (NODE,))
    told = shown(node_message(look, NODE, "", "stack"))

    assert "🟢 stack_web.1 · running" in told
    assert "🟢 /web.1 · running" in told


def test_what_is_on_a_node_that_is_down_is_not_said_to_run():
    lost = replace(NODE, state=NodeState.DOWN)
    look = StackLook(NOW, "", (WEB,), (a_task("t1", since=NOW - 60),), (lost,))
    told = shown(node_message(look, lost, "", "stack"))

    assert "🔴 web.1 · last seen running" in told
    assert "🟢" not in told
