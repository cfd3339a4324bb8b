"""Records of the watcher: they survive a round trip, and today's stay readable."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incidents.alert import Alert, Button, Press
from bot.domain.incidents.model import Incident, IncidentState, Lost, Silence, Suspect, WatcherState
from bot.domain.swarm.causes import Cause, CauseKind
from bot.store.codec import UnreadableRecordError
from bot.store.incident_codec import (
    decode_alert,
    decode_incident,
    decode_open_incidents,
    decode_press,
    decode_state,
    encode_alert,
    encode_incident,
    encode_press,
    encode_state,
)

FLOATS = st.floats(allow_nan=False)
WORDS = st.text()


def mappings(values: st.SearchStrategy) -> st.SearchStrategy:
    """Maps of the state: any keys, in any order."""
    return st.dictionaries(WORDS, values, max_size=4)


def drawn(hint: Any) -> st.SearchStrategy:
    """Values of a field's type; a time is a number."""
    if hint is float:
        return FLOATS
    return st.none() | FLOATS if hint == float | None else st.from_type(hint)


def whole(kind: type, **given_fields: st.SearchStrategy) -> st.SearchStrategy:
    """Values with every field drawn, including those with a default."""
    others = {name: drawn(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **{**others, **given_fields})


often = settings(max_examples=60)  # each example has hundreds of fields
INCIDENTS = whole(Incident)
STATES = st.builds(
    WatcherState,
    incidents=mappings(INCIDENTS),
    recent=mappings(INCIDENTS),
    counted=mappings(FLOATS),
    earlier=mappings(FLOATS),
    forgotten=FLOATS,
    leaving=mappings(FLOATS),
    suspects=mappings(whole(Suspect)),
    silences=st.lists(whole(Silence), max_size=3).map(tuple),
    down=mappings(whole(Lost)),
    began=st.none() | FLOATS,
    due=st.none() | FLOATS,
    cursor=st.none() | st.integers(0, 2**64 - 1),
)

CAUSE = Cause(
    CauseKind.EXIT_CODE, "Exit code 3", "task: non-zero exit (3)", 3, "t9", "2", "n1", "c1"
)
INCIDENT = Incident(
    id="k3f9ab",
    key="w1|exit_code|3",
    service="orochi_worker01",
    service_id="w1",
    cause=CAUSE,
    state=IncidentState.ACKNOWLEDGED,
    began=1_790_000_000.25,
    last=1_790_000_042.5,
    count=3,
    slots=("1", "2"),
    acknowledged_by="U1",
    acknowledged=1_790_000_050.0,
)
STATE = WatcherState(
    incidents={INCIDENT.key: INCIDENT},
    counted={"t9": 1_790_000_042.5},
    earlier={"t1": 1_790_000_000.25},
    forgotten=1_789_999_000.0,
    leaving={"t4": 1_790_000_001.0},
    suspects={"t5": Suspect("w2", 1_790_000_002.0, CAUSE)},
    silences=(Silence("orochi_django", "unhealthy", 1_790_003_600.0, "U2"),),
    down={"n2": Lost(1_790_000_003.0, ("orochi_web",), True)},
    began=1_789_999_500.0,
    cursor=18_446_744_073_709_551_615,
)

CAUSE_JSON = (
    '{"kind":"exit_code","text":"Exit code 3","raw":"task: non-zero exit (3)","exit_code":3,'
    '"task_id":"t9","place":"2","node_id":"n1","container_id":"c1"}'
)
INCIDENT_JSON = (
    '{"id":"k3f9ab","key":"w1|exit_code|3","service":"orochi_worker01","service_id":"w1",'
    f'"cause":{CAUSE_JSON},"state":"acknowledged","began":1790000000.25,"last":1790000042.5,'
    '"count":3,"last_task":"","node":"","slots":["1","2"],"nodes":[],"services":[],"unplaced":[],'
    '"stack":"","confirmed":false,"late":false,"well_since":null,"acknowledged_by":"U1",'
    '"acknowledged":1790000050.0,"resolved":null,"resolution":"","reopened":0,"reminded":null,'
    '"held":false,"held_until":null,"silenced_until":null,"silenced_by":"","channel":"",'
    '"evidence":"","evidence_title":"","evidence_task":"","fetched":null,"revision":1,"told":0}'
)
STATE_JSON = {
    "incidents": f'{{"w1|exit_code|3":{INCIDENT_JSON}}}',
    "recent": "{}",
    "counted": '{"t9":1790000042.5}',
    "earlier": '{"t1":1790000000.25}',
    "forgotten": "1789999000.0",
    "leaving": '{"t4":1790000001.0}',
    "suspects": f'{{"t5":{{"service_id":"w2","since":1790000002.0,"cause":{CAUSE_JSON}}}}}',
    "silences": '[{"service":"orochi_django","cause":"unhealthy","until":1790003600.0,"by":"U2"}]',
    "down": '{"n2":{"since":1790000003.0,"services":["orochi_web"],"late":true}}',
    "began": "1789999500.0",
    "due": "null",
    "cursor": "18446744073709551615",
}


def orders(state: WatcherState) -> list[list[str]]:
    """The keys of the maps whose order matters: oldest first."""
    return [list(each) for each in (state.counted, state.earlier, state.leaving, state.recent)]


def holds(record: object, pinned: object) -> bool:
    """Whether a record has everything that the pinned one has; additional fields are allowed."""
    if isinstance(record, dict) and isinstance(pinned, dict):
        return all(key in record and holds(record[key], pinned[key]) for key in pinned)
    if isinstance(record, list) and isinstance(pinned, list):
        return len(record) == len(pinned) and all(map(holds, record, pinned))
    return record == pinned


@often
@given(STATES)
def test_states_survive_a_round_trip(state: WatcherState):
    """Every field, any text, empty maps, None, and the order of the oldest."""
    found = decode_state(encode_state(state))
    assert found == state
    assert orders(found) == orders(state)


@often
@given(whole(Alert, incident=INCIDENTS), INCIDENTS, whole(Press))
def test_alerts_incidents_and_presses_survive_a_round_trip(
    alert: Alert, incident: Incident, press: Press
):
    """Every field and any text."""
    assert decode_alert(encode_alert(alert)) == alert
    assert decode_incident(encode_incident(incident)) == incident
    assert decode_press(encode_press(press)) == press


@often
@given(STATES, STATES, st.sets(st.sampled_from([each.name for each in fields(WatcherState)])))
def test_changed_fields_complete_the_former_state(
    before: WatcherState, other: WatcherState, changed: set[str]
):
    """Omitting fields that are the same objects loses nothing."""
    after = replace(before, **{name: getattr(other, name) for name in changed})
    records = {**encode_state(before), **encode_state(after, before)}
    assert decode_state(records) == after


def test_only_new_objects_are_written():
    """A changed cursor costs one short record."""
    assert encode_state(replace(STATE, cursor=7), STATE) == {"cursor": '{"v":1,"watch":7}'}
    assert encode_state(STATE, STATE) == {}


def test_the_record_of_a_state_is_stable():
    """Redis already has this JSON from other versions of the bot, so it must stay readable."""
    records = {name: f'{{"v":1,"watch":{body}}}' for name, body in STATE_JSON.items()}
    for name, record in encode_state(STATE).items():
        assert holds(json.loads(record), json.loads(records[name]))
    assert decode_state(records) == STATE


def test_the_record_of_an_alert_is_stable():
    """The same for alerts."""
    alert = Alert(INCIDENT, "C1", "1790000001.000100", 3, 2, True)
    record = (
        f'{{"v":1,"alert":{{"incident":{INCIDENT_JSON},"channel":"C1",'
        '"message":"1790000001.000100","due":3,"done":2,"remind":true}}'
    )
    assert holds(json.loads(encode_alert(alert)), json.loads(record))
    assert decode_alert(record) == alert


def test_the_record_of_a_press_is_stable():
    """The same for presses."""
    press = Press(Button.SILENCE, "k3f9ab", "U1", 1_790_000_001.5)
    record = (
        '{"v":1,"press":{"button":"incident.silence","incident_id":"k3f9ab","user":"U1",'
        '"at":1790000001.5}}'
    )
    assert holds(json.loads(encode_press(press)), json.loads(record))
    assert decode_press(record) == press


def test_lone_surrogates_survive():
    """Logs and Slack's JSON can hold lone surrogates; they neither break a record nor change."""
    torn = replace(INCIDENT, evidence=json.loads('"log \\ud83d"'))
    assert decode_incident(encode_incident(torn)) == torn
    encode_incident(torn).encode()


def test_maps_of_any_kind_are_written():
    """The state's fields are mappings, not dicts."""
    state = WatcherState(counted=MappingProxyType({"t1": 1.5}))
    assert decode_state(encode_state(state)) == WatcherState(counted={"t1": 1.5})


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults():
    """The store has other fields beside the watcher's state, and other versions have others."""
    records = {"mark": "a1", "handled": "5-0", "colour": "blue", "cursor": '{"v":1,"watch":7}'}
    assert decode_state(records) == WatcherState(cursor=7)
    assert decode_state({}) == WatcherState()


def test_open_incidents_can_be_read_separately():
    """The rest of the state is not read."""
    assert decode_open_incidents(encode_state(STATE)["incidents"]) == (INCIDENT,)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"v":1}', '{"v":1,"watch":{"t1":"soon"}}'])
def test_a_damaged_field_is_reported_as_damaged(record: str):
    """One damaged field is enough: a partial state would count failures twice."""
    with pytest.raises(UnreadableRecordError, match="A watch in Redis is damaged"):
        decode_state({**encode_state(STATE), "earlier": record})


def test_a_newer_version_is_reported_as_newer():
    """The error is grammatical."""
    with pytest.raises(UnreadableRecordError, match="An alert in Redis has version 2; this bot"):
        decode_alert('{"v": 2, "alert_v2": {}}')
