"""Records of earlier releases: this one reads them, and they read what this one writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.jobs.model import JobState
from bot.domain.jobs.verdict import Verdict
from bot.store.codec import decode_job, decode_pending, encode_job, encode_pending
from bot.store.incident_codec import (
    decode_alert,
    decode_incident,
    decode_state,
    encode_alert,
    encode_incident,
    encode_state,
)
from bot.store.versions import decode_version, encode_version

RECORDS = Path(__file__).parent / "records"
KINDS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "job": (decode_job, encode_job),
    "deploy": (decode_job, encode_job),
    "pending": (decode_pending, encode_pending),
    "version": (decode_version, encode_version),
    "incident": (decode_incident, encode_incident),
    "alert": (decode_alert, encode_alert),
}
RELEASES = sorted(folder.name for folder in RECORDS.iterdir())


def holds(record: object, former: object) -> bool:
    """Whether a record has everything that a former one has, unchanged; it may have more."""
    if isinstance(record, dict) and isinstance(former, dict):
        return all(key in record and holds(record[key], former[key]) for key in former)
    if isinstance(record, list) and isinstance(former, list):
        return len(record) == len(former) and all(map(holds, record, former))
    return record == former


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_former_record_keeps_all_its_fields(release: str, kind: str):
    """The former release finds every field with the same value: it can go on after a way back."""
    decode, encode = KINDS[kind]
    former = (RECORDS / release / f"{kind}.json").read_text()
    assert holds(json.loads(encode(decode(former))), json.loads(former))


@pytest.mark.parametrize("release", RELEASES)
def test_the_former_watchers_state_keeps_all_its_fields(release: str):
    former = json.loads((RECORDS / release / "watch.json").read_text())
    again = encode_state(decode_state(former))
    assert all(holds(json.loads(again[name]), json.loads(former[name])) for name in former)


def test_a_former_job_means_the_same():
    job = decode_job((RECORDS / "0.1.0" / "job.json").read_text())
    assert (job.id, job.state, job.verdict) == (
        "k3f9ab", JobState.FINISHED, Verdict.CRASH_LOOPING
    )  # fmt: skip
    assert job.targets[0].before == 1


def test_fields_of_a_newer_release_are_kept_when_a_job_is_saved():
    """At any depth; also after this release changed what it knows."""
    record = json.loads((RECORDS / "0.1.0" / "deploy.json").read_text())
    record["job"]["colour"] = "blue"
    record["job"]["targets"][0]["shade"] = {"dark": True}
    record["job"]["plan"]["steps"][0]["why"] = ["new"]
    job = decode_job(json.dumps(record))
    target = job.targets[0]
    saved = json.loads(encode_job(job.with_target(0, target)))
    assert holds(saved, record)
