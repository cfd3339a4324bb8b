"""The status of the stack, of one service, and the list of jobs."""

from dataclasses import replace

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from bot.views.jobs.list import jobs_message
from bot.views.slack.blocks import fits
from bot.views.slack.phone import LINE, displayed
from bot.views.status.stack import FooterFacts, service_status_message, status_message
from tests.unit.hostile import assert_slack_takes, shown

NOW = 1_700_000_000.0
NODES = (
    Node("n1", "photon-machine-01", role="manager", manager="leader"),
    Node("n2", "photon-machine-02", role="manager", manager="reachable"),
    Node("n3", "photon-machine-03"),
)
JOB = Job(
    "k3f9ab",
    "scale",
    "orochi",
    "scale 5",
    "U123",
    "C1",
    NOW - 20,
    (Target("orochi_worker01", "worker01", 5, before=1, changed=True),),
    state=JobState.RUNNING,
)


def service(name, replicas=1, **more):
    fields = {"image": "example/image:1@sha256:0123", "stack": "orochi"} | more
    return Service(name, f"orochi_{name}", 1, Mode.REPLICATED, replicas, **fields)


def task(name, slot=1, state=TaskState.RUNNING, node="n1", ago=1000.0, **more):
    return Task(
        f"{name}.{slot}.{state.name}.{ago}",
        name,
        slot,
        node,
        state,
        more.pop("desired", TaskState.SHUTDOWN if state.over else TaskState.RUNNING),
        since=NOW - ago,
        created=NOW - ago - 1,
        **more,
    )


def look(services, tasks, nodes=NODES):
    return StackLook(NOW, "orochi", tuple(services), tuple(tasks), tuple(nodes))


def status(services, tasks, nodes=NODES, **facts):
    message = status_message(look(services, tasks, nodes), FooterFacts(**facts))
    assert_slack_takes(message, {"U123"})
    return message


def closely(name, services, tasks, **facts):
    seen = look(services, tasks)
    chosen = next(each for each in services if each.id == name)
    message = service_status_message(seen, chosen, FooterFacts(**facts))
    assert_slack_takes(message, {"U123"})
    return message


def headline(message):
    return message.blocks[0]["text"]["text"]


def test_a_healthy_stack_has_a_line_per_service_with_counts_and_nodes():
    message = status(
        [service("django"), service("worker01", 2)],
        [task("django"), task("worker01", 1, node="n2"), task("worker01", 2, node="n2")],
    )

    assert headline(message) == "✅ orochi: 2 services healthy"
    assert message.text == "orochi: 2 services healthy."
    assert "🟢 *django*  ▰ 1/1 · photon-machine-01" in shown(message)
    assert "🟢 *worker01*  ▰▰ 2/2 · photon-machine-02 (2)" in shown(message)
    assert "▰▰▰ 3/3 ready · 2 managers, leader photon-machine-01" in shown(message)


def test_unhealthy_services_come_first_with_cause_and_start():
    message = status(
        [service("django"), service("worker01", 2)],
        [
            task("django"),
            task("worker01"),
            task("worker01", 2, TaskState.PENDING, "", 300, err="no suitable node (x on 3 nodes)"),
        ],
    )
    lines = shown(message).split("\n")

    assert headline(message) == "❌ orochi: 1 of 2 services unhealthy"
    assert message.text == "orochi: 1 of 2 services unhealthy. worker01 1/2"
    assert lines[1] == "🔴 *worker01*  ▰▱ 1/2"
    assert lines[2].startswith("Slot 2: The scheduler found no place: no suitable node")
    assert "since <!date^1699999700^" in lines[2]


def test_changing_services_come_between_unhealthy_and_healthy_ones():
    message = status(
        [service("a"), service("b", update=UpdateState.UPDATING), service("c")],
        [task("a"), task("b"), task("c", state=TaskState.PREPARING)],
    )

    assert headline(message) == "🔄 orochi: 2 of 3 services changing"
    assert "🟡 *b*  ▰ 1/1\nUpdate under way" in shown(message)
    assert "In progress: 1 preparing" in shown(message)


def test_a_paused_update_has_its_message_and_start():
    paused = service(
        "web", update=UpdateState.PAUSED, update_message="task x failed", update_started=NOW - 60
    )

    assert "Update paused: task x failed · since <!date^1699999940^" in shown(
        status([paused], [task("web")])
    )


def test_an_unsteady_slot_is_not_shown_as_healthy():
    dead = {"err": "task: non-zero exit (1)", "exit_code": 1}
    tasks = [task("web", ago=2)] + [
        task("web", 1, TaskState.FAILED, ago=ago, **dead) for ago in (5, 15, 25)
    ]

    assert "(running now) · 3 failures · since" in shown(status([service("web")], tasks))


def test_a_healthy_service_after_a_roll_back_says_so():
    web = service("web", update=UpdateState.ROLLBACK_COMPLETED)

    assert "🟢 *web*  ▰ 1/1 · photon-machine-01 · last update was rolled back" in shown(
        status([web], [task("web")])
    )


def test_nodes_that_are_not_ready_are_named_with_their_state():
    nodes = [
        *NODES,
        Node("n4", "photon-machine-04", NodeState.DOWN, message="heartbeat failure"),
        Node("n5", "photon-machine-05", availability=Availability.DRAIN),
        Node("n6", "photon-machine-06", role="manager", manager="unreachable"),
    ]
    text = shown(status([service("web")], [task("web"), task("web", 1, node="n4")], nodes))

    assert "🔴 photon-machine-04: down · heartbeat failure" in text
    assert "🟡 photon-machine-05: drained" in text
    assert "🔴 photon-machine-06: manager unreachable" in text


def test_a_service_whose_node_is_down_names_the_node():
    nodes = [NODES[0], Node("n9", "photon-machine-09", NodeState.DOWN)]

    assert "Slot 1: The node photon-machine-09 is down" in shown(
        status([service("web")], [task("web", node="n9")], nodes)
    )


def test_a_global_service_wants_the_eligible_nodes():
    agent = replace(service("agent"), mode=Mode.GLOBAL, replicas=None)
    tasks = [task("agent", 0, node=node.id) for node in NODES]
    paused = [*NODES[:2], replace(NODES[2], availability=Availability.PAUSE)]

    assert "🟢 *agent*  ▰▰▰ 3/3" in shown(status([agent], tasks))
    assert "1 replica missing" in shown(status([agent], tasks[:2]))
    seen = shown(status([agent], tasks, paused))
    assert "🟢 *agent*  ▰▰ 2/2 · 1 more on nodes that take no new tasks" in seen


def test_a_job_service_counts_completed_tasks_everywhere():
    job = replace(service("once", 2), mode=Mode.REPLICATED_JOB, job_iteration=4)
    done = task("once", 0, TaskState.COMPLETE, job_iteration=4, exit_code=0)
    tasks = [done, task("once", 1, job_iteration=4)]

    assert headline(closely("once", [job], tasks)) == "once: 2/2 running or completed"
    assert "*once*  ▰▰ 2/2 · 1 completed" in shown(closely("once", [job], tasks))
    assert status([job], tasks).text.endswith("once 2/2")


def test_a_job_that_began_in_a_thread_is_a_link_to_its_message_there():
    job = replace(JOB, channel="C1", message="15", thread="12")
    assert "under way" in shown(status([service("web")], [task("web")], jobs=(job,)))
    linked = status(
        [service("web")],
        [task("web")],
        jobs=(job,),
        where="https://acme.slack.com/archives/{}/{}/{}".format,
    )
    assert "<https://acme.slack.com/archives/C1/15/12|k3f9ab>" in shown(linked)


def test_running_jobs_and_an_unreachable_redis_are_shown():
    text = shown(status([service("web")], [task("web")], jobs=(JOB,)))

    assert "`k3f9ab` scale worker01 to 5 · running · <@U123>, <!date^" in text
    assert "and 3 more jobs: `/orochi jobs`" in shown(
        status([service("web")], [task("web")], jobs=(JOB,) * 8)
    )
    assert "*Jobs:* unknown, Redis does not answer" in shown(
        status([service("web")], [task("web")], jobs=None)
    )


def test_the_feed_and_its_lag_are_shown():
    well = [service("web")], [task("web")]

    assert "live data" in shown(status(*well, feed="push"))
    assert "polling" in shown(status(*well, feed="poll"))
    late = shown(status(*well, feed_lag=40, feed_trouble="no <control> socket"))
    assert "may be 40 s old" in late
    assert "no &lt;control&gt; socket" in late


def test_an_unknown_stack_is_answered_with_a_suggestion():
    message = status([], [])

    assert "The stack `orochi` has no services" in message.text
    assert "the command `stacks` lists all" in message.text


def test_a_hundred_unhealthy_services_fit_and_each_is_counted():
    error = "Fehlermeldung & <!channel> " * 200
    services = [
        service(f"service-number-{n:03}", 3, update=UpdateState.PAUSED, update_message=error)
        for n in range(100)
    ]
    tasks = [
        task(each.id, slot, TaskState.REJECTED, "n3", err=error + str(slot))
        for each in services
        for slot in (1, 2, 3)
    ]
    message = status(services, tasks)

    assert headline(message) == "❌ orochi: 100 of 100 services unhealthy"
    assert fits(message.blocks)
    told = shown(message)
    missing = [each.id for each in services if each.id not in told]
    assert missing == [] or f"and {len(missing)} more" in told


def test_a_hundred_healthy_services_are_all_named():
    services = [service(f"service-number-{n:03}", 3) for n in range(100)]
    tasks = [task(each.id, slot, node="n2") for each in services for slot in (1, 2, 3)]
    told = shown(status(services, tasks))

    assert all(f"{each.id}*" in told for each in services)


def test_one_service_is_shown_task_by_task():
    services = [service("web", 3, constraints=("node.labels.disk == ssd",)), service("db")]
    tasks = [
        task("web", 1, node="n2"),
        task("web", 2, TaskState.PENDING, "", err="no suitable node <x>"),
        task("web", 3, TaskState.STARTING, ago=1),
        task("web", 3, TaskState.FAILED, ago=5, err="task: non-zero exit (3)", exit_code=3),
        task("web", 4, desired=TaskState.SHUTDOWN),
        task("db"),
    ]
    message = closely("web", services, tasks, jobs=(JOB,))
    text = shown(message)

    assert headline(message) == "web: 1/3 running"
    assert message.text == "web: 1/3 running"
    assert "replicated · example/image:1\n" in text
    assert "Only on nodes with node.labels.disk == ssd" in text
    assert "🟢 slot 1 running on photon-machine-02 since <!date^1699999000^" in text
    assert "🔴 slot 2 pending on no node yet since" in text
    assert "no suitable node &lt;x&gt;" in text
    assert "🟡 slot 3 starting on photon-machine-01" in text
    assert "⚪ slot 4 running, stopping on photon-machine-01" in text
    assert "*Failed before:*\n🔴 slot 3 failed on photon-machine-01, <!date^1699999995^" in text
    assert "db" not in text
    assert "k3f9ab" not in text


def test_the_same_failure_again_and_again_is_one_line():
    """An error that has an id of its own each time is the same one."""
    tries = [
        task(
            "web",
            slot,
            TaskState.REJECTED,
            f"n{slot}",
            ago=10 * n + 5,
            err=f"network 0123456789ab{n:04x} not found",
        )
        for slot in (1, 2)
        for n in range(5)
    ]
    other = task("web", 1, TaskState.FAILED, ago=99, err="task: non-zero exit (3)", exit_code=3)
    text = shown(closely("web", [service("web", 2)], [*tries, other]))
    after = text[text.index("*Failed before:*") :].split("\n")

    assert after[1].startswith(
        "🔴 slots 1, 2 rejected 10 times on photon-machine-01, photon-machine-02, last <!date^"
    )
    assert after[1].endswith(" · network 0123456789ab0000 not found")
    assert after[2].startswith("🔴 slot 1 failed on photon-machine-01")


def test_one_service_shows_its_own_jobs():
    text = shown(closely("worker01", [service("worker01")], [task("worker01")], jobs=(JOB,)))

    assert "`k3f9ab` scale worker01 to 5" in text


def test_the_first_of_many_tasks_are_listed_and_the_rest_counted():
    tasks = [task("web", slot, node="n2") for slot in range(1, 101)]
    text = shown(closely("web", [service("web", 100)], tasks))

    assert "slot 25 running" in text
    assert "slot 26 running" not in text
    assert "and 75 more tasks" in text


def test_tasks_of_the_previous_version_are_marked():
    text = shown(closely("web", [service("web")], [task("web", up_to_date=False)]))

    assert "previous version" in text


def test_running_jobs_are_listed_before_finished_ones_with_verdicts():
    done = replace(JOB, id="abcdef", state=JobState.FINISHED, finished=NOW).with_outcome(
        0, Outcome(Verdict.CONVERGED, "All five run.", running=5, desired=5)
    )
    message = jobs_message((JOB,), (done, replace(done, revised=True)), NOW)
    assert_slack_takes(message, {"U123"})
    lines = shown(message).split("\n")

    assert message.text == "1 job under way, 2 finished recently"
    assert lines[0] == "*Under way:*"
    assert lines[1].startswith("🔄 `k3f9ab` scale worker01 5 · running 20 s")
    assert lines[2:5] == [
        "*Finished:*",
        "✅ `abcdef` scale worker01 5 · converged",
        "    1 s ago · took 20 s · <@U123>",
    ]
    assert lines[6] == "    revised · 1 s ago · took 20 s · <@U123>"
    assert max(map(displayed, lines[:-1])) <= LINE


def test_an_empty_list_of_jobs_says_how_to_start_one():
    message = jobs_message((), (), NOW, command="/x")

    assert message.text == "No jobs yet. `/x scale SERVICE 5` starts one."


def test_more_jobs_than_fit_are_counted():
    message = jobs_message((JOB,) * 30, (), NOW)

    assert_slack_takes(message, {"U123"})
    assert "and 10 more jobs" in shown(message)


def test_jobs_that_were_not_read_are_counted():
    message = jobs_message((JOB,) * 20, (), NOW, more=9_980)
    assert message.text.startswith("10000 jobs under way")
    assert "and 9980 more jobs" in shown(message)

    facts = {"jobs": (JOB,) * 5, "more_jobs": 9_995}
    assert "and 9995 more jobs" in shown(status([service("web")], [task("web")], **facts))


def test_a_task_on_a_node_that_is_down_is_not_said_to_run():
    web = service("web", 2)
    nodes = (*NODES[:2], replace(NODES[2], state=NodeState.DOWN))
    look = StackLook(NOW, "orochi", (web,), (task("web"), task("web", 2, node="n3")), nodes)
    told = shown(service_status_message(look, web, FooterFacts()))

    assert "🔴 slot 2 last seen running on photon-machine-03\n" in told
    assert "🟢 slot 1 running on photon-machine-01 since" in told


def test_a_long_action_is_cut_so_that_a_job_is_one_line_of_a_phone():
    long = replace(JOB, action="run", arguments=("sh", "-c", "echo " + "very long " * 20))
    done = replace(long, state=JobState.FINISHED, finished=NOW, outcomes=JOB.outcomes)
    lines = shown(jobs_message((long,), (done,), NOW)).split("\n")

    firsts = [each for each in lines if "k3f9ab" in each and "`" in each]
    assert len(firsts) == 2
    assert all(displayed(each) <= LINE for each in firsts)
