"""The message of a job, and the mention in its thread."""

from dataclasses import replace

import pytest

from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.views import words
from bot.views.jobs.detail import job_detail_message
from bot.views.jobs.message import job_message, thread_mention
from tests.unit.hostile import assert_slack_takes, shown
from tests.unit.plans import deploy_job

NOW = 1_700_000_000.0
WORKER = Target("orochi_worker01", "w1", 5, before=1, applied=NOW, changed=True)
DJANGO = Target("orochi_django", "d1", 2, before=3, applied=NOW, changed=True)
QUEUED = Job("k3f9ab", "scale", "orochi", "scale 5", "U123", "C1", NOW - 80, (WORKER,))
RUNNING = replace(QUEUED, state=JobState.RUNNING, started=NOW - 79)
FINISHED = replace(RUNNING, state=JobState.FINISHED, finished=NOW)
CONVERGED = Outcome(Verdict.CONVERGED, "All five run.", running=5, desired=5)
CRASHED = Outcome(
    Verdict.CRASH_LOOPING,
    "Slot 5 failed 3 times.",
    advice="Look at the log.",
    cause=Cause(CauseKind.EXIT_CODE, "Exit 1", "task: non-zero exit (1)", 1),
    running=4,
    desired=5,
    evidence="starting\nKeyError: 'X'",
    evidence_title="Last log lines of slot 5",
)
SLOTS = (
    SlotProgress("1", "running", "photon-machine-01"),
    SlotProgress("2", "preparing", "photon-machine-02"),
    SlotProgress("3", "failed", "photon-machine-03", "task: non-zero exit (1)", failures=2),
    SlotProgress("4", "running", "photon-machine-01", leaving=True),
    SlotProgress("5", "running", "photon-machine-01"),
)


def with_slots(*slots):
    seen = ServiceProgress("orochi_worker01", 2, 5, "Waiting for 3 of 5 tasks", tuple(slots))
    return RUNNING.with_progress(0, seen)


def buttons(message):
    return [
        each for block in message.blocks for each in block.get("elements", ()) if "value" in each
    ]


def headline(message):
    return message.blocks[0]["text"]["text"]


def message_of(job, **more):
    message = job_message(job, NOW, **more)
    assert_slack_takes(message, {"U123", "U999"})
    return message


def test_a_queued_job_says_what_it_waits_for():
    message = message_of(QUEUED, ahead=2, queued_behind="abcdef")

    assert headline(message) == "⏳ Queued: scale worker01 to 5"
    assert "behind job `abcdef`, 2 jobs ahead" in shown(message)
    assert (
        shown(message)
        .split("\n")[2]
        .startswith("<@U123> · `k3f9ab` · stack orochi · as of <!date^")
    )


def test_a_job_with_nothing_ahead_starts_in_a_moment():
    assert "Starts in a moment." in shown(message_of(QUEUED))


def test_a_running_job_shows_bar_and_phase_and_the_slots_that_do_not_run():
    lines = shown(message_of(with_slots(*SLOTS))).split("\n")

    assert lines[1:5] == [
        "*worker01* 1 → 5  ▰▰▱▱▱ 2/5 · Waiting for 3 of 5 tasks",
        "🔴 slot 3: failed on photon-machine-03 · failed 2 times · task: non-zero exit (1)",
        "🟡 slot 2: preparing on photon-machine-02",
        "⚪ slot 4: stopping on photon-machine-01",
    ]
    assert not [each for each in lines if "🟢" in each]


def test_slots_with_the_same_error_are_one_line():
    failed = [
        SlotProgress(str(n), "rejected", f"node-{n % 3}", "no mount", failures=2)
        for n in range(1, 11)
    ]

    assert (
        "🔴 slots 1, 2, 3, 4 and 6 more: rejected on node-1, node-2, node-0"
        " · failed 20 times · no mount"
    ) in shown(message_of(with_slots(*failed)))


def test_an_old_task_that_still_runs_is_counted_and_in_full_it_is_named():
    """It does not stop yet."""
    slot = SlotProgress("1", "running", "photon-machine-01", former=True)
    seen = ServiceProgress("orochi_worker01", 2, 5, "2/5 running, and 1 old one", (slot,))
    job = RUNNING.with_progress(0, seen)

    assert "▰▰▱▱▱ 2/5 running, and 1 old one\n<@U123>" in shown(message_of(job))
    assert "🟡 slot 1: old one running on photon-machine-01" in shown(
        job_detail_message(job, NOW, "")
    )


def test_ended_tasks_have_completed_and_do_not_run():
    ended = Outcome(Verdict.COMPLETED, "5/5 ended with exit 0.", running=5, desired=5)
    message = message_of(with_finish(FINISHED, ended))

    assert "▰▰▰▰▰ 5/5 ended with exit 0." in shown(message)
    assert "5/5 running" not in f"{shown(message)} {message.text}"


def test_of_a_hundred_slots_those_that_run_are_not_listed_and_of_the_others_three_states():
    running = [SlotProgress(str(n), "running", "node") for n in range(1, 97)]
    odd = [SlotProgress(str(n), "pending", note=f"error {n}") for n in range(97, 101)]
    text = shown(message_of(with_slots(*running, *odd)))

    assert "🔴 slot 97: pending · error 97" in text
    assert "and 2 pending" in text
    assert text.count("slot ") == 2


def test_a_job_without_observations_says_so():
    assert "checking the service" in shown(message_of(RUNNING))


@pytest.mark.parametrize("job", [QUEUED, RUNNING])
def test_a_running_job_can_be_stopped_after_a_confirmation(job):
    (stop,) = buttons(message_of(job))

    assert (stop["action_id"], stop["value"]) == ("job.cancel", "k3f9ab")
    assert stop["text"]["text"] == "Stop waiting"
    assert stop["confirm"]["title"]["text"] == "Stop waiting?"


def test_a_converged_job_has_counts_nodes_and_duration():
    message = message_of(with_finish(with_slots(*SLOTS), CONVERGED))

    assert headline(message) == "✅ Converged: scale worker01 to 5"
    assert "*worker01* 1 → 5  ▰▰▰▰▰ 5/5 running · All five run." in shown(message)
    assert "On photon-machine-01 (3)" in shown(message)
    assert "took 1 min 20 s" in shown(message)
    assert buttons(message) == []


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (("photon-machine-01", "photon-machine-02", "photon-machine-03"),
         "On photon-machine-01 (2), -02 (2), -03 (2)"),
        (("manager-of-zurich", "worker-of-bern", "worker-of-basel-2"), "On 3 nodes"),
        (("a", "b", "c"), "On a (2), b (2), c (2)"),
    ],
)  # fmt: skip
def test_nodes_are_named_as_far_as_one_line_of_a_phone_has_room(nodes, said):
    slots = [SlotProgress(str(n), "running", nodes[n % 3]) for n in range(6)]
    job = with_finish(with_slots(*slots), CONVERGED)

    assert f"\n{said}\n" in shown(message_of(job))
    detail = shown(job_detail_message(job, NOW, ""))
    assert all(slot.node in detail for slot in slots)


def test_the_failures_that_the_reason_counts_are_not_counted_again():
    slot = SlotProgress("3", "failed", "node-1", failures=3)
    reason = "2/5 running; slot 3 failed 3 times: exit 1 (general error)."
    job = with_finish(with_slots(slot), Outcome(Verdict.CRASH_LOOPING, reason, desired=5))

    assert "🔴 slot 3: failed on node-1\n" in shown(message_of(job))


def with_finish(job, *outcomes, **more):
    job = replace(job, state=JobState.FINISHED, finished=NOW, **more)
    for index, outcome in enumerate(outcomes):
        job = job.with_outcome(index, outcome)
    return job


def test_a_provisional_verdict_says_that_it_is_still_watched():
    job = with_finish(RUNNING, replace(CONVERGED, provisional=True))

    assert "watching for 1 min more" in shown(message_of(job))
    assert "watching for 30 s more" in shown(message_of(job, probation_seconds=30))


def test_a_confirmed_verdict_says_how_long_it_was_watched():
    job = with_finish(RUNNING, CONVERGED, watched_until=NOW + 60)

    assert "watched until <!date^1700000060^" in shown(message_of(job))


def test_a_failed_job_has_reason_cause_evidence_and_next_step():
    message = message_of(with_finish(RUNNING, CRASHED))
    text = shown(message)

    assert headline(message) == "❌ Crash looping: scale worker01 to 5"
    assert "Slot 5 failed 3 times." in text
    assert "*Cause:* Exit 1" in text
    assert "The engine says" not in text, "the cause says as much"
    assert "*Next:* Look at the log." in text
    assert "*Last log lines of slot 5:*\n```\nstarting\nKeyError: 'X'\n```" in text
    assert message.text == (
        "❌ Crash looping: scale worker01 to 5, 4/5 running. Slot 5 failed 3 times."
    )


def test_a_notification_has_each_number_once():
    stable = replace(CONVERGED, reason="5/5 running, stable for 5 s.")

    assert message_of(with_finish(RUNNING, stable)).text == (
        "✅ Converged: scale worker01 to 5. 5/5 running, stable for 5 s."
    )


def test_the_reason_is_not_repeated():
    outcome = replace(CRASHED, reason="Exit 1 (task: non-zero exit (1)).")
    text = shown(message_of(with_finish(RUNNING, outcome)))

    assert "*Cause:*" not in text
    assert "*The engine says:*" not in text


def test_a_failed_job_offers_a_roll_back():
    (back,) = buttons(message_of(with_finish(RUNNING, CRASHED)))

    assert (back["action_id"], back["value"]) == ("job.rollback", "k3f9ab")
    assert back["text"]["text"] == "Scale back to 1"
    assert back["confirm"]["text"]["text"] == "A new job scales worker01 to 1."


def test_how_to_keep_an_image_is_not_said_of_an_update_that_failed():
    keep = "The next deploy of `orochi` sets the file's image again."
    update = replace(FINISHED, action="update", foretold=(keep,))

    assert "sets the file's image again" in shown(message_of(update.with_outcome(0, CONVERGED)))
    assert "sets the file's image" not in shown(message_of(update.with_outcome(0, CRASHED)))


def test_a_failed_deploy_offers_a_roll_back_of_the_whole_stack():
    """If there is a rollback target; its effect is shown before anything happens."""
    failed = with_finish(replace(RUNNING, action="deploy", plan=Plan("orochi", (), ())), CRASHED)
    (back,) = buttons(message_of(replace(failed, way_back=3)))

    assert (back["action_id"], back["value"]) == ("job.rollback", "k3f9ab")
    assert back["text"]["text"] == "Roll back to version 3"
    assert "back to version 3. Nothing happens before Confirm." in back["confirm"]["text"]["text"]


@pytest.mark.parametrize(
    "target",
    [
        replace(WORKER, changed=False),
        replace(WORKER, before=None),
        replace(WORKER, before=5),
    ],
)
def test_no_roll_back_is_offered_if_nothing_was_changed(target):
    assert buttons(message_of(with_finish(replace(RUNNING, targets=(target,)), CRASHED))) == []


def test_no_roll_back_is_offered_over_somebody_elses_change():
    outcome = Outcome(Verdict.SUPERSEDED, "Somebody scaled it to 7.", running=7, desired=7)

    assert buttons(message_of(with_finish(RUNNING, outcome))) == []


def test_a_cancelled_job_names_the_person_and_offers_a_roll_back():
    outcome = Outcome(Verdict.CANCELLED, "Stopped waiting.", running=2, desired=5)
    message = message_of(with_finish(RUNNING, outcome, cancelled_by="U999"))

    assert headline(message) == "⏹️ Cancelled: scale worker01 to 5"
    assert "cancelled by <@U999>" in shown(message)
    assert [each["action_id"] for each in buttons(message)] == ["job.rollback"]


def test_a_job_removed_from_the_queue_needs_no_outcome():
    job = replace(QUEUED, state=JobState.FINISHED, finished=NOW, cancelled_by="U999")
    message = message_of(job)

    assert message.metadata.payload["verdict"] == "cancelled"
    assert "not started" in shown(message)


def test_several_services_have_a_section_and_a_verdict_each_and_one_headline():
    job = replace(RUNNING, targets=(WORKER, DJANGO))
    outcome = Outcome(Verdict.UNSCHEDULABLE, "No node fits.", running=0, desired=2)
    message = message_of(with_finish(job, CONVERGED, outcome))
    text = shown(message)

    assert headline(message) == (
        "❌ Unschedulable: 1 of 2 services succeeded, scale worker01 to 5, django to 2"
    )
    assert "✅ Converged · *worker01* 1 → 5  ▰▰▰▰▰ 5/5 running" in text
    assert "❌ Unschedulable · *django* 3 → 2  ▱▱ 0/2 running" in text
    assert message.metadata.payload["running"] == 5
    assert message.metadata.payload["desired"] == 7
    assert message.metadata.payload["target"] == "orochi_worker01,orochi_django"
    (back,) = buttons(message)
    assert back["text"]["text"] == "Scale back"
    assert "worker01 to 1, django to 3" in back["confirm"]["text"]["text"]


def test_the_metadata_follows_the_job():
    queued = message_of(QUEUED).metadata
    finished = message_of(with_finish(RUNNING, CRASHED)).metadata

    assert queued.event_type == "swarm_job"
    assert queued.payload == {
        "job_id": "k3f9ab",
        "action": "scale",
        "target": "orochi_worker01",
        "state": "queued",
        "verdict": None,
        "cause": None,
        "running": 0,
        "desired": 5,
    }
    assert finished.payload == queued.payload | {
        "state": "finished",
        "verdict": "crash_looping",
        "cause": "exit_code",
        "running": 4,
    }


def test_a_verdict_of_one_service_is_not_the_jobs_before_all_have_theirs():
    job = replace(RUNNING, targets=(WORKER, DJANGO)).with_outcome(0, CRASHED)

    assert message_of(job).metadata.payload["verdict"] is None
    assert message_of(job).metadata.payload["cause"] is None


def test_a_revised_verdict_says_so_in_message_and_thread():
    job = with_finish(RUNNING, CRASHED, revised=True)

    assert headline(message_of(job)) == "❌ Crash looping (revised): scale worker01 to 5"
    assert "*Revised:*" in shown(message_of(job))
    assert thread_mention(job).text == (
        "<@U123> Correction: scale worker01 to 5: *crash looping*. Slot 5 failed 3 times."
    )


def test_the_requester_gets_the_verdict_in_the_thread():
    assert thread_mention(with_finish(RUNNING, CONVERGED)).text == (
        "<@U123> scale worker01 to 5: *converged*."
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_own_word_beside_its_symbol(verdict):
    sign, _, word = words.VERDICTS[verdict].partition(" ")

    assert sign
    assert word[0].isupper()
    assert [words.word(each) for each in Verdict].count(word.lower()) == 1


@pytest.mark.parametrize("kind", CauseKind)
def test_every_cause_has_a_description(kind):
    assert words.CAUSES[kind]


def test_a_log_line_mentions_nobody_and_stays_in_its_block():
    evidence = "<!channel> <@U999> ``` & \x1b[31mred\x1b[0m\nlast"
    text = shown(message_of(with_finish(RUNNING, replace(CRASHED, evidence=evidence))))

    assert "&lt;!channel&gt; &lt;@U999&gt; ''' &amp; red\nlast\n```" in text
    assert text.count("```") == 2


def test_the_last_lines_of_a_long_log_are_shown():
    evidence = "\n".join(f"line {number}" for number in range(1000))
    text = shown(message_of(with_finish(RUNNING, replace(CRASHED, evidence=evidence))))

    assert "line 999" in text
    assert "line 0\n" not in text


def test_ten_services_with_the_longest_texts_still_fit():
    long = "Ein sehr langer Fehler: ünlesbar & <kaputt> " * 120
    outcome = replace(CRASHED, reason=long, advice=long, evidence=long + "\n" + long)
    slots = tuple(SlotProgress(str(n), "failed", "n" * 63, long, 9) for n in range(100))
    job = replace(
        RUNNING, targets=tuple(replace(WORKER, service=f"orochi_{'s' * 50}{n}") for n in range(10))
    )
    for index in range(10):
        job = job.with_progress(index, ServiceProgress("s", 0, 100, long, slots))

    message = message_of(with_finish(job, *[outcome] * 10))
    assert shown(message).count("❌ Crash looping") == 7, "the headline and six of ten"
    assert "and 4 more unsuccessful: *s" in shown(message)
    message_of(job)


RESTART = Job("k3f9ab", "restart", "orochi", "restart worker01", "U123", "C1", NOW - 80, (WORKER,))
ROLL_BACK = replace(
    RESTART,
    action="rollback",
    targets=(Target("orochi_worker01", "w1", 5, image="web:1@sha256:00", image_before="web:2"),),
)
PAUSED = Outcome(Verdict.PAUSED, "The swarm paused it.", running=4, desired=5, can_roll_back=True)


def test_restarts_and_roll_backs_have_their_own_headline():
    assert headline(message_of(RESTART)) == "⏳ Queued: restart worker01"
    assert headline(message_of(ROLL_BACK)) == "⏳ Queued: roll back worker01"


def test_a_roll_back_shows_both_images():
    running = replace(ROLL_BACK, state=JobState.RUNNING)

    assert "*worker01* `web:2` → `web:1` · checking the service" in shown(message_of(running))


def test_a_roll_back_does_not_know_the_old_image_before_it_begins():
    target = replace(ROLL_BACK.targets[0], image_before="")
    text = shown(message_of(replace(ROLL_BACK, targets=(target,), state=JobState.RUNNING)))

    assert "*worker01* `web:1` · checking" in text
    assert "nothing" not in text


def test_a_stack_is_named_if_it_is_not_that_of_the_channel():
    assert " · stack orochi · " in shown(message_of(RESTART, home="shop"))
    assert "stack" not in shown(message_of(RESTART, home="orochi"))
    assert "stack" not in shown(message_of(replace(RESTART, stack="")))


def test_a_registry_that_both_images_have_is_left_out():
    before, after = "registry.example.com/shop/web:1", "registry.example.com/shop/web:2"
    target = replace(ROLL_BACK.targets[0], image_before=before, image=after)
    job = replace(ROLL_BACK, state=JobState.RUNNING)

    assert "`shop/web:1` → `shop/web:2`" in shown(message_of(job.with_target(0, target)))
    moved = replace(target, image_before=f"other.{before}")
    assert f"`other.{before}` → `{after}`" in shown(message_of(job.with_target(0, moved)))


def test_what_was_not_changed_is_not_shown_as_changed():
    untouched = replace(RUNNING, targets=(replace(WORKER, changed=False),))
    refused = Outcome(Verdict.REFUSED, "Not now. Nothing was changed.", running=1, desired=1)

    assert "*worker01*  ▰ 1/1 running · Not now." in shown(
        message_of(with_finish(untouched, refused))
    )


def test_a_restart_continues_after_stop_waiting():
    (stop,) = buttons(message_of(RESTART_RUNNING))

    assert "The swarm continues" in stop["confirm"]["text"]["text"]


RESTART_RUNNING = replace(RESTART, state=JobState.RUNNING, started=NOW - 79)


@pytest.mark.parametrize("job", [RUNNING, RESTART_RUNNING])
def test_a_paused_update_can_be_rolled_back_by_a_button(job):
    """A scale would be refused while the update is paused."""
    (back,) = buttons(message_of(with_finish(job, PAUSED)))

    assert (back["action_id"], back["value"]) == ("job.rollback", "service:orochi_worker01")
    assert back["text"]["text"] == "Roll back"
    assert back["confirm"]["title"]["text"] == "Roll back?"


def test_an_invalid_service_name_is_not_a_buttons_value():
    """Slack would not return it unchanged."""
    odd = replace(RUNNING, targets=(replace(RUNNING.targets[0], service="orochi_\ud800"),))

    values = [each["value"] for each in buttons(message_of(with_finish(odd, PAUSED)))]
    assert values == [odd.id]


def test_a_restart_with_another_failure_has_no_button():
    same = replace(RESTART_RUNNING, targets=(replace(WORKER, before=None),))
    paused = replace(PAUSED, can_roll_back=False)

    assert buttons(message_of(with_finish(same, CRASHED))) == []
    assert buttons(message_of(with_finish(same, paused))) == []


@pytest.mark.parametrize(
    "verdict", [Verdict.REFUSED, Verdict.SUPERSEDED, Verdict.CANCELLED, Verdict.FAILED]
)
def test_a_count_that_nobody_took_is_left_out(verdict):
    message = message_of(with_finish(RUNNING, Outcome(verdict, "Not changed.")))

    assert "running" not in message.text
    assert "0/" not in shown(message)
    assert (message.metadata.payload["running"], message.metadata.payload["desired"]) == (0, 0)


def test_before_the_first_look_nothing_is_counted():
    waits = ServiceProgress("orochi_worker01", 0, 0, "waiting for the engine")

    for job in (RUNNING, RUNNING.with_progress(0, waits)):
        assert "0/" not in f"{message_of(job).text} {shown(message_of(job))}"


def test_containers_of_removed_services_are_not_counted_as_running():
    job = replace(deploy_job(), state=JobState.RUNNING, steps_made=5)
    names = [target.service for target in job.targets]
    old = names.index("orochi_old")
    job = job.with_progress(old, ServiceProgress("orochi_old", 2, 0, "removed; waiting for 2"))
    assert "running" not in message_of(job).text
    for index, name in enumerate(names):
        if index != old:
            job = job.with_progress(index, ServiceProgress(name, 2, 2, "all running"))

    assert message_of(job).text.endswith(", 6/6 running")
    assert "2/0" not in shown(message_of(job))


def test_a_node_job_counts_successes_only_if_some_service_has_none():
    node = Target("node:n", "n", 2, update_before=0.0, applied=NOW)
    drain = replace(FINISHED, action="drain", targets=(node, WORKER))
    late = drain.with_outcome(0, Outcome(Verdict.TIMED_OUT, "2 tasks still run there."))

    assert headline(message_of(late.with_outcome(1, CONVERGED))) == "⌛ Timed out: drain n"
