"""Which changes of an incident must be posted, and which may be skipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.incidents.alert import Alert, readdressed, retold
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.swarm.causes import Cause, CauseKind

FIRING = Incident(
    id="k3f9ab",
    key="s|exit_code|3",
    service="stack_web",
    service_id="s",
    cause=Cause(CauseKind.EXIT_CODE, "Exit code 3"),
    state=IncidentState.FIRING,
    began=1000.0,
    last=1000.0,
    channel="C1",
    revision=4,
)
TOLD = Alert(FIRING, channel="C1", message="1.2", due=4, done=4)


def test_the_first_post_is_required_in_the_incidents_channel():
    assert retold(None, FIRING) == Alert(FIRING, channel="C1", due=4)


def test_a_higher_count_may_be_skipped():
    more = replace(FIRING, count=9, revision=5)

    assert retold(TOLD, more) == replace(TOLD, incident=more)
    assert not retold(TOLD, more).waits


@pytest.mark.parametrize(
    "change",
    [
        {"state": IncidentState.ACKNOWLEDGED},
        {"state": IncidentState.RESOLVED},
        {"silenced_until": 2000.0},
    ],
)
def test_another_state_and_a_silence_must_be_shown(change: dict[str, object]):
    other = replace(FIRING, revision=5, **change)  # type: ignore[arg-type]

    assert retold(TOLD, other).due == 5
    assert retold(TOLD, other).waits


def test_an_alert_not_yet_posted_is_posted_in_its_current_state():
    unposted = retold(None, FIRING)

    assert retold(unposted, replace(FIRING, count=9, revision=5)).due == 5


def test_it_stays_in_its_channel_when_the_incident_names_another():
    assert retold(TOLD, replace(FIRING, channel="C2", revision=5)).channel == "C1"


def test_a_required_update_stays_due_while_the_count_rises():
    acknowledged = replace(FIRING, state=IncidentState.ACKNOWLEDGED, revision=5)
    alert = retold(TOLD, acknowledged)

    assert retold(alert, replace(acknowledged, count=9, revision=6)).waits


@pytest.mark.parametrize("state", [IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED])
def test_a_waiting_reminder_is_dropped_when_it_is_not_needed_any_more(state: IncidentState):
    reminding = replace(TOLD, remind=True)

    assert retold(reminding, replace(FIRING, count=9, revision=5)).remind
    assert not retold(reminding, replace(FIRING, state=state, revision=5)).remind


def test_only_a_posted_resolved_alert_is_closed():
    ended = replace(FIRING, state=IncidentState.RESOLVED, revision=5)

    assert not TOLD.closed
    assert not retold(TOLD, ended).closed
    assert replace(retold(TOLD, ended), done=5).closed
    assert not replace(retold(TOLD, ended), done=5, remind=True).closed


@pytest.mark.parametrize(
    ("channel", "refused", "channels", "expected"),
    [
        pytest.param("C1", "", ("C1", "C9"), ("C9", "C1"), id="its own refuses: the usual one"),
        pytest.param("C1", "", ("C2", "C9"), ("C2", ""), id="its label was corrected"),
        pytest.param("C9", "C1", ("C2", "C9"), ("C2", ""), id="corrected after both refused"),
        pytest.param("C9", "", ("C1", "C9"), ("C1", ""), id="it has a label since"),
        pytest.param("C9", "C1", ("C1", "C9"), None, id="both refuse"),
        pytest.param("C9", "", ("C9", "C9"), None, id="there is only one"),
        pytest.param("C1", "", ("C1", ""), None, id="there is no usual one"),
    ],
)
def test_an_alert_goes_to_a_channel_where_the_bot_can_post(
    channel: str, refused: str, channels: tuple[str, ...], expected: tuple[str, str] | None
):
    moved = readdressed(Alert(FIRING, channel=channel, due=4, refused=refused), channels)

    assert (moved and (moved.channel, moved.refused)) == expected


def test_a_posted_alert_stays_in_its_channel():
    assert readdressed(TOLD, ("C2", "C9")) is None
