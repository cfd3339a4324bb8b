"""Changes of specs, and what a previous spec reveals."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.domain.swarm.model import LastChange, Platform, UpdateState
from bot.swarm import specs, wire

SPEC: dict[str, Any] = {
    "Name": "orochi_web",
    "Labels": {"a": "b"},
    "TaskTemplate": {"ContainerSpec": {"Image": "web:1"}, "ForceUpdate": 2, "Runtime": "container"},
    "Mode": {"Replicated": {"Replicas": 3}},
}


def spec(*, image: str = "web:1", replicas: int = 3, restarts: int = 2, **more: Any) -> Any:
    made = copy.deepcopy(SPEC) | more
    made["TaskTemplate"]["ContainerSpec"]["Image"] = image
    made["TaskTemplate"]["ForceUpdate"] = restarts
    made["Mode"]["Replicated"]["Replicas"] = replicas
    return made


def service(present: Any, former: Any = None, update: str = "") -> Any:
    raw = {"ID": "s", "Spec": present, "UpdateStatus": {"State": update}}
    return wire.service_from(raw if former is None else raw | {"PreviousSpec": former})


def test_one_field_changes_and_the_original_stays():
    before = copy.deepcopy(SPEC)

    assert specs.with_replicas(SPEC, 5) == spec(replicas=5)
    assert specs.with_restarts(SPEC, 7) == spec(restarts=7)
    assert specs.with_replicas_of(spec(image="web:0", replicas=1), SPEC) == spec(image="web:0")
    assert before == SPEC


def test_the_replicas_of_a_job_are_its_completions_and_a_global_service_has_none():
    job = {"Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 4}}}
    more = {"Mode": {"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 9}}}
    everywhere: dict[str, Any] = {"Mode": {"Global": {}}}

    kept = specs.with_replicas_of(job, more)["Mode"]["ReplicatedJob"]
    assert kept == {"MaxConcurrent": 1, "TotalCompletions": 9}
    assert specs.with_replicas_of(everywhere, everywhere) == everywhere


def test_an_unset_number_of_replicas_stays_unset():
    default: dict[str, Any] = {"Mode": {"Replicated": {}}}

    assert specs.with_replicas_of(SPEC, default)["Mode"] == default["Mode"]


def test_a_first_counter_of_restarts_is_added():
    assert specs.restarts({"TaskTemplate": {}}) == 0
    assert specs.with_restarts({"TaskTemplate": {}}, 1) == {"TaskTemplate": {"ForceUpdate": 1}}


def test_the_digest_ignores_only_the_replicas():
    known = specs.digest(SPEC)

    assert known == specs.digest(spec(replicas=9))
    for other in (spec(image="web:2"), spec(restarts=3), spec(Labels={"a": "c"})):
        assert specs.digest(other) != known


@pytest.mark.parametrize(
    ("former", "update", "change", "possible"),
    [
        (spec(image="web:0"), "", LastChange.VERSION, True),
        (spec(image="web:0", replicas=1), "completed", LastChange.VERSION, True),
        (spec(image="web:0"), "updating", LastChange.VERSION, True),
        (spec(image="web:0"), "paused", LastChange.VERSION, True),
        (spec(Labels={}), "", LastChange.VERSION, True),
        (spec(image="web:0"), "rollback_started", LastChange.VERSION, False),
        (spec(image="web:0"), "rollback_paused", LastChange.VERSION, False),
        (spec(image="web:0"), "rollback_completed", LastChange.VERSION, False),
        (spec(), "", LastChange.NUMBER, False),
        (spec(replicas=1), "", LastChange.NUMBER, False),
        (spec(replicas=1), "paused", LastChange.NUMBER, False),
        (spec(restarts=1), "completed", LastChange.RESTART, False),
        (spec(restarts=1, replicas=1), "", LastChange.RESTART, False),
        (spec(restarts=1), "paused", LastChange.RESTART, True),
        (spec(restarts=1), "updating", LastChange.RESTART, True),
    ],
)
def test_the_effect_of_a_roll_back(former, update, change, possible):
    """Only another version counts, from which the service was not just rolled back."""
    found = service(spec(), former, update)

    assert found.previous is not None
    assert found.previous.change is change
    assert found.previous.digest == specs.digest(former)
    assert found.previous.image == former["TaskTemplate"]["ContainerSpec"]["Image"]
    assert found.can_roll_back is possible


def test_without_a_previous_spec_there_is_nothing_to_roll_back_to():
    found = service(spec())

    assert (found.previous, found.can_roll_back, found.restarts) == (None, False, 2)
    assert not specs.can_roll_back(None, UpdateState.PAUSED)


def test_restarts_are_counted_in_both_specs():
    """A restart that the swarm rolled back was made nevertheless."""
    assert service(spec(restarts=2), spec(restarts=5)).restarts == 5


PINNED = Platform("linux", "amd64")


@pytest.mark.parametrize(
    ("placement", "platforms", "after"),
    [
        ({}, (PINNED,), {"Placement": {"Platforms": [{"Architecture": "amd64", "OS": "linux"}]}}),
        (
            {"Placement": {"MaxReplicas": 1, "Platforms": [{}]}},
            (),
            {"Placement": {"MaxReplicas": 1}},
        ),
        ({}, (), {}),
        (
            {"Placement": {}},
            (Platform("linux", ""),),
            {"Placement": {"Platforms": [{"OS": "linux"}]}},
        ),
    ],
)
def test_another_image_brings_its_platforms_and_changes_nothing_else(placement, platforms, after):
    before = {
        "Name": "a",
        "TaskTemplate": {"ContainerSpec": {"Image": "a:1", "Env": ["A=1"]}, **placement},
    }
    kept = copy.deepcopy(before)

    changed = specs.with_image(before, "a:2@sha256:1", platforms)

    container = {"Image": "a:2@sha256:1", "Env": ["A=1"]}
    assert changed == {"Name": "a", "TaskTemplate": {"ContainerSpec": container, **after}}
    assert before == kept


def test_a_one_off_task_is_like_the_service_but_for_what_others_reach_it_by():
    full = spec(
        EndpointSpec={"Mode": "vip", "Ports": [{"TargetPort": 80}]}, UpdateConfig={"Parallelism": 1}
    )
    kept = {
        "Image": "web:1", "Command": ["entry"], "Env": ["A=b"], "User": "1",
        "Secrets": [{"File": {}}], "Configs": [{"File": {}}],
        "Mounts": [{"Target": "/x"}], "ReadOnly": True,
    }  # fmt: skip
    full["TaskTemplate"] |= {
        "ContainerSpec": {
            **kept, "Args": ["serve"], "Healthcheck": {"Test": ["CMD", "x"]}, "TTY": True,
            "Labels": {"traefik.enable": "true"},
        },
        "Networks": [{"Target": "n1", "Aliases": ["web"], "DriverOpts": {"a": "1"}}],
        "Placement": {"Constraints": ["node.role==worker"], "MaxReplicas": 1},
        "Resources": {"Limits": {"MemoryBytes": 1}},
    }  # fmt: skip
    before = copy.deepcopy(full)

    made = specs.one_off(full, "orochi_run-k", ["migrate", "a b"], {"mine": "1"})

    assert full == before
    assert made == {
        "Name": "orochi_run-k",
        "Labels": {"mine": "1"},
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
        "TaskTemplate": {
            "ContainerSpec": {
                **kept, "Args": ["migrate", "a b"], "Labels": {"mine": "1"},
                "Healthcheck": {"Test": ["NONE"]},
            },
            "Networks": [{"Target": "n1"}],
            "Placement": {"Constraints": ["node.role==worker"]},
            "Resources": {"Limits": {"MemoryBytes": 1}},
            "RestartPolicy": {"Condition": "none", "MaxAttempts": 0},
            "ForceUpdate": 0,
            "Runtime": "container",
        },
    }  # fmt: skip
