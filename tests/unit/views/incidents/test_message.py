"""The message of an incident, and the list of incidents."""

from dataclasses import replace

import pytest

from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.swarm.causes import Cause, CauseKind
from bot.views.incidents.list import incidents_message
from bot.views.incidents.message import ADVICE, STATES, incident_message, reminder_message
from tests.unit.hostile import assert_slack_takes, shown

NOW = 1_700_000_000.0
EXIT = Cause(
    CauseKind.EXIT_CODE,
    "Exit 1 (general error)",
    "task: non-zero exit (1)",
    1,
)
FIRING = Incident(
    id="k3f9ab",
    key="w1|exit_code|1",
    service="orochi_worker01",
    service_id="w1",
    stack="orochi",
    cause=EXIT,
    state=IncidentState.FIRING,
    began=NOW - 80,
    last=NOW - 5,
    count=3,
    last_task="t9",
    node="photon-machine-02",
    slots=("1", "3"),
    nodes=("photon-machine-01", "photon-machine-02"),
)
RESOLVED = replace(
    FIRING,
    state=IncidentState.RESOLVED,
    resolved=NOW,
    resolution="all tasks run, and none has failed since",
)
NODE = Incident(
    id="nnnnnn",
    key="node:n1",
    service="photon-machine-10",
    service_id="",
    cause=Cause(CauseKind.NODE_DOWN, "The node is down", "heartbeat failure"),
    state=IncidentState.FIRING,
    began=NOW - 80,
    last=NOW - 80,
    node="photon-machine-10",
    nodes=("photon-machine-10",),
    services=("orochi_django", "orochi_worker01"),
    unplaced=("orochi_django",),
)


def test_many_nodes_are_counted_and_the_last_one_is_named():
    nodes = tuple(f"photon-machine-{number:02}" for number in range(1, 11))
    text = shown(message_of(replace(FIRING, slots=(), nodes=nodes)))

    assert "on 10 nodes, last photon-machine-02" in text
    assert "photon-machine-07" not in text
    assert "on photon-machine-01, photon-machine-02" in shown(message_of(FIRING))


def message_of(incident):
    message = incident_message(incident, NOW)
    assert_slack_takes(message, {"U123", "U999"})
    return message


def buttons(message):
    return [
        each for block in message.blocks for each in block.get("elements", ()) if "value" in each
    ]


def headline(message):
    return message.blocks[0]["text"]["text"]


def test_a_firing_incident_has_service_node_cause_count_and_start():
    message = message_of(FIRING)
    text = shown(message)

    assert headline(message) == "🚨 Firing: worker01: exited with an error"
    assert "*orochi_worker01* · slots 1, 3 · on photon-machine-01, photon-machine-02" in text
    assert "*Cause:* Exit 1 (general error)" in text
    assert "*3 failures* since <!date^1699999920^" in text
    assert ", last <!date^1699999995^" in text
    assert "*Next:* read the last log lines" in text
    assert message.text == (
        "🚨 Firing: worker01: exited with an error. Slots 1, 3"
        " last on photon-machine-02, 3 failures. Exit 1 (general error)."
    )


def test_a_firing_incident_offers_logs_a_remedy_acknowledgement_and_silence():
    each = buttons(message_of(FIRING))

    assert [(one["action_id"], one["value"], one["text"]["text"]) for one in each] == [
        ("incident.logs", "k3f9ab", "Logs"),
        ("job.restart", "orochi_worker01", "Restart"),
        ("incident.ack", "k3f9ab", "Acknowledge"),
        ("incident.silence", "k3f9ab", "Silence 1 h"),
    ]


def test_a_service_that_was_changed_shortly_before_can_be_rolled_back():
    each = buttons(message_of(replace(FIRING, can_roll_back=True)))

    (remedy,) = [one for one in each if one["action_id"].startswith("job.")]
    assert (remedy["action_id"], remedy["value"]) == ("job.rollback", "service:orochi_worker01")
    assert remedy["confirm"]["title"]["text"] == "Roll back?"


@pytest.mark.parametrize("name", ["", "\ud800", "<!channel>", "a" * 300])
def test_an_invalid_service_name_is_not_a_buttons_value(name):
    each = buttons(message_of(replace(FIRING, service=name)))

    assert not [one for one in each if one["action_id"].startswith("job.")]


@pytest.mark.parametrize(
    "kind", [CauseKind.IMAGE_MISSING, CauseKind.UNSCHEDULABLE, CauseKind.MOUNT_FAILED]
)
def test_no_restart_is_offered_if_it_would_not_help(kind):
    each = buttons(message_of(replace(FIRING, cause=replace(EXIT, kind=kind))))

    assert not [one for one in each if one["action_id"].startswith("job.")]


def test_the_metadata_is_for_programs():
    metadata = message_of(FIRING).metadata

    assert metadata.event_type == "swarm_incident"
    assert metadata.payload == {
        "incident_id": "k3f9ab",
        "target": "orochi_worker01",
        "state": "firing",
        "cause": "exit_code",
        "exit_code": 1,
        "count": 3,
        "last_task": "t9",
    }


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (CauseKind.OUT_OF_MEMORY, "out_of_memory"),
        (CauseKind.IMAGE_MISSING, "image_missing"),
        (CauseKind.UNSCHEDULABLE, "unschedulable"),
        (CauseKind.UNHEALTHY, "unhealthy"),
        (CauseKind.MOUNT_FAILED, "mount_failed"),
        (CauseKind.NODE_DOWN, "node_down"),
        (CauseKind.START_FAILED, "exit_code"),
        (CauseKind.ENDED, "exit_code"),
    ],
)
def test_causes_use_the_names_of_verdicts_where_they_apply(kind, word):
    incident = replace(FIRING, cause=Cause(kind, "text"))

    assert message_of(incident).metadata.payload["cause"] == word


def test_the_log_is_in_its_own_block():
    incident = replace(FIRING, evidence="one\nKeyError: 'X'", evidence_title="Last lines of slot 3")

    assert "*Last lines of slot 3:*\n```\none\nKeyError: 'X'\n```" in shown(message_of(incident))


def test_the_engines_message_is_shown_if_it_says_more():
    raw = "starting container failed: runc create failed: something odd"
    cause = Cause(CauseKind.START_FAILED, "The container could not start", raw, 127)

    assert "*The engine says:* something odd" in shown(message_of(replace(FIRING, cause=cause)))
    assert "The engine says" not in shown(message_of(FIRING))


def test_an_acknowledged_incident_names_the_person():
    incident = replace(
        FIRING, state=IncidentState.ACKNOWLEDGED, acknowledged_by="U123", acknowledged=NOW
    )
    message = message_of(incident)

    assert headline(message).startswith("👀 Acknowledged: worker01")
    assert "Acknowledged by <@U123> <!date^1700000000^" in shown(message)
    assert [each["action_id"] for each in buttons(message)] == [
        "incident.logs",
        "job.restart",
        "incident.silence",
    ]
    assert message.metadata.payload["state"] == "acknowledged"


def test_a_resolved_incident_says_how_long_it_took_and_offers_only_the_log():
    message = message_of(RESOLVED)

    assert headline(message).startswith("✅ Resolved: worker01")
    assert "after 1 min 20 s: all tasks run" in shown(message)
    assert "*Next:*" not in shown(message)
    assert [each["action_id"] for each in buttons(message)] == ["incident.logs"]
    assert message.metadata.payload["state"] == "resolved"


def test_a_silenced_incident_says_until_when_and_by_whom():
    message = message_of(replace(FIRING, silenced_until=NOW + 3600, silenced_by="U123"))

    assert "Silenced by <@U123> until <!date^1700003600^" in shown(message)
    assert [each["action_id"] for each in buttons(message)] == [
        "incident.logs",
        "job.restart",
        "incident.ack",
    ]


def test_late_and_recurring_incidents_say_so():
    text = shown(message_of(replace(FIRING, late=True, reopened=2)))

    assert "*Delayed:* it happened during a monitoring gap" in text
    assert "Came back 2 times after it was resolved" in text
    assert "Came back once" in shown(message_of(replace(FIRING, reopened=1)))


def test_a_lost_node_names_the_affected_services():
    message = message_of(NODE)
    text = shown(message)

    assert headline(message) == "🚨 Firing: node photon-machine-10 is down"
    assert "*Services affected:* orochi_django, orochi_worker01" in text
    assert "*No other node fits:* orochi_django" in text
    assert "*The engine says:* heartbeat failure" in text
    assert "Down since <!date^1699999920^" in text
    assert [each["action_id"] for each in buttons(message)] == ["incident.ack", "incident.silence"]
    assert message.metadata.payload["target"] == "photon-machine-10"


def test_a_lost_node_without_tasks_says_so():
    text = shown(message_of(replace(NODE, services=(), unplaced=(), count=2)))

    assert "No monitored service had a task on it." in text
    assert "*2 times* since" in text


def test_a_task_that_never_ran_has_no_log():
    incident = replace(FIRING, cause=Cause(CauseKind.UNSCHEDULABLE, "No place: no node", "no node"))

    assert "incident.logs" not in [each["action_id"] for each in buttons(message_of(incident))]


def test_only_a_few_of_many_slots_and_nodes_are_named():
    many = tuple(str(number) for number in range(1, 101))
    text = shown(message_of(replace(FIRING, slots=many)))

    assert "slots 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 88 more" in text


def test_the_largest_incident_still_fits():
    long = "Ein sehr langer Fehler: ünlesbar & <kaputt> " * 200
    names = tuple(f"{'s' * 60}{number}" for number in range(200))
    incident = replace(
        NODE,
        cause=Cause(CauseKind.NODE_DOWN, long, long),
        services=names,
        unplaced=names,
        evidence=long,
        evidence_title=long,
        resolution=long,
        resolved=NOW,
    )

    assert "Services affected" in shown(message_of(incident))


def test_a_reminder_says_the_duration_and_how_to_stop_it():
    message = reminder_message(replace(FIRING, began=NOW - 4 * 3600), NOW)
    assert_slack_takes(message)

    assert message.text == (
        "🚨 Still firing after 4 h: worker01: exited with an error, 3 failures."
        " Acknowledge or silence it in the message above; `/orochi incidents` lists all."
    )


def test_a_nodes_notification_names_the_affected_services():
    node = replace(
        FIRING,
        key="node:n1",
        service="photon-machine-03",
        cause=Cause(CauseKind.NODE_DOWN, "The node is down"),
        services=("orochi_django", "orochi_worker01"),
    )

    assert incident_message(node, NOW).text == (
        "🚨 Firing: node photon-machine-03 is down."
        " Services affected: orochi_django, orochi_worker01."
    )


def test_the_notification_of_a_recurring_incident_says_so():
    message = reminder_message(replace(FIRING, reopened=1), NOW)

    assert message.text.startswith("🚨 Firing again after it was resolved: worker01: exited with")
    assert message.broadcast


@pytest.mark.parametrize("state", IncidentState)
def test_every_state_has_a_word_beside_its_symbol(state):
    assert STATES[state].partition(" ")[2].isalpha()


@pytest.mark.parametrize("kind", CauseKind)
def test_every_cause_has_a_next_step(kind):
    assert ADVICE[kind]


def test_the_list_has_open_incidents_by_age_and_resolved_ones_newest_first():
    old = replace(RESOLVED, id="old222", resolved=NOW - 600, began=NOW - 900)
    young = replace(FIRING, id="young2", began=NOW - 10, count=1)
    message = incidents_message([young, FIRING], [old, RESOLVED], NOW)
    assert_slack_takes(message)
    text = shown(message)

    assert text.index("k3f9ab") < text.index("young2") < text.index("Recently resolved")
    assert text.index("✅ Resolved `k3f9ab`") < text.index("old222")
    assert (
        "🚨 Firing `k3f9ab` *worker01*: exited with an error · exit 1"
        " · 3 failures · since <!date^1699999920^"
    ) in text
    assert ", 1 min 20 s" in text
    assert message.text == "2 open incidents, 2 resolved recently"


def test_the_list_shows_acknowledgements_and_silences():
    acknowledged = replace(
        FIRING,
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_by="U123",
        acknowledged=NOW,
        silenced_until=NOW + 60,
        late=True,
    )
    message = incidents_message([acknowledged, NODE], [], NOW)
    assert_slack_takes(message, {"U123"})

    assert "by <@U123> · silenced until <!date^1700000060^" in shown(message)
    assert "delayed" in shown(message)
    assert "*node photon-machine-10*: the node is down · since" in shown(message)


def test_an_empty_list_says_that_there_is_nothing():
    assert shown(incidents_message([], [], NOW)).startswith("No open or recent incidents")
    assert (
        "No open or recent incidents of worker01"
        in incidents_message([], [], NOW, service="worker01").text
    )


def test_twenty_of_a_hundred_incidents_are_listed_and_the_rest_counted():
    many = [replace(FIRING, id=f"id{number}") for number in range(100)]
    message = incidents_message(many, many, NOW, service="worker01")
    assert_slack_takes(message)

    assert "*100 open incidents of worker01*" in shown(message)
    assert "more incidents" in shown(message)
