"""Records of jobs and pending commands: round trips, and errors for unreadable ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.store.codec import (
    UnreadableRecordError,
    decode_job,
    decode_pending,
    encode_job,
    encode_pending,
)

JOB = Job("abc234", "scale", "orochi", "scale 3", "U1", "C1", 1.5, (Target("web", "id", 3),))
PENDING = PendingCommand("abc234", "trigger", "command", "scale 3", "U1", "C1", "http://reply", 1.5)

TIMES = st.floats(0, 4e9)
st.register_type_strategy(float, TIMES)


@given(st.builds(Job))
def test_jobs_survive_a_round_trip(job: Job):
    """Every field, any text, empty lists, times with all digits."""
    assert decode_job(encode_job(job)) == job


@given(st.builds(PendingCommand))
def test_pending_commands_survive_a_round_trip(pending: PendingCommand):
    """Every field and any text."""
    assert decode_pending(encode_pending(pending)) == pending


def test_lone_surrogates_survive():
    """Slack's JSON can hold lone surrogates; they neither break a record nor change."""
    text = json.loads('"scale \\ud83d"')
    job = Job("abc234", "scale", "orochi", text, "U1", "C1", 1.5, ())
    assert decode_job(encode_job(job)) == job
    encode_job(job).encode()


def test_records_are_json_with_a_version():
    """Programs and people can read them."""
    assert json.loads(encode_job(JOB))["v"] == 1
    assert json.loads(encode_job(JOB))["job"]["targets"][0]["service"] == "web"
    assert json.loads(encode_pending(PENDING))["draft"]["key"] == "trigger"


def test_an_unknown_field_is_ignored():
    """During a rolling update the newer replica may have added a field."""
    record = json.loads(encode_job(JOB))
    record["job"]["colour"] = "blue"
    assert decode_job(json.dumps(record)) == JOB


def test_a_missing_field_has_its_default():
    """During a rolling update an older replica may have written the record."""
    record = json.loads(encode_job(JOB))
    del record["job"]["revised"]
    assert decode_job(json.dumps(record)) == JOB


def test_a_newer_version_is_reported_as_newer():
    """The error has both versions and the next step."""
    with pytest.raises(UnreadableRecordError, match="version 2; this bot reads version 1") as error:
        decode_job('{"v": 2, "job_v2": {}}')
    assert "newer" in error.value.hint


@pytest.mark.parametrize(
    "record", ["", "null", "[]", "{}", '{"v": 1}', '{"v": 1, "job": {"id": 5}}', "{"]
)
def test_a_damaged_record_is_reported_as_damaged(record: str):
    """This holds for any damage."""
    with pytest.raises(UnreadableRecordError, match="damaged"):
        decode_job(record)
