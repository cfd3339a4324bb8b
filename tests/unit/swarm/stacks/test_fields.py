"""Services as readable fields: every change is visible, none is invented, no secret is shown."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploys.redaction import Redactor
from bot.swarm.stacks.fields import differences, fields_of
from bot.swarm.stacks.normal import labelled_form, service_form

REDACTOR = Redactor(b"a key")
NAMES = {"n1": "s_inner", "c1": "s_settings", "x1": "s_password"}

POSTED: dict[str, Any] = {
    "Name": "s_web",
    "Labels": {"com.docker.stack.namespace": "s", "com.docker.stack.image": "web:1", "team": "a"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "web:1",
            "Args": ["serve", "--token=sesame"],
            "Env": ["LEVEL=info", "DB_PASSWORD=sesame", "EMPTY=", "PASSED_ON"],
            "Privileges": {"CredentialSpec": None, "NoNewPrivileges": False},
            "StopGracePeriod": 3_000_000_000,
            "DNSConfig": {},
            "Mounts": [
                {"Type": "volume", "Source": "s_data", "Target": "/data", "ReadOnly": True},
                {"Type": "bind", "Source": "/tmp", "Target": "/host"},
            ],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_500_000_000},
            "Configs": [
                {"File": {"Name": "/etc/s", "UID": "0", "GID": "0", "Mode": 292},
                 "ConfigID": "c1", "ConfigName": "s_settings"},
            ],
            "Secrets": [
                {"File": {"Name": "pass", "Mode": 256},
                 "SecretID": "x1", "SecretName": "s_password"},
            ],
        },
        "Resources": {"Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 67_108_864}},
        "RestartPolicy": {"Condition": "any"},
        "Placement": {"Constraints": ["node.role == manager"], "MaxReplicas": 4},
        "Networks": [{"Target": "s_inner", "Aliases": ["web"]}],
        "ForceUpdate": 0,
    },
    "Mode": {"Replicated": {}},
    "UpdateConfig": {"Parallelism": 2, "Delay": 1_000_000_000, "MaxFailureRatio": 0},
    "EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080}]},
}  # fmt: skip


def as_the_engine_shows_it() -> dict[str, Any]:
    """The same service as an engine 20.10 gives it back."""
    read = copy.deepcopy(POSTED)
    container = read["TaskTemplate"]["ContainerSpec"]
    container |= {"Isolation": "default", "Privileges": {"CredentialSpec": None}}
    read["TaskTemplate"]["Networks"][0]["Target"] = "n1"
    read["TaskTemplate"]["Runtime"] = "container"
    read["TaskTemplate"]["RestartPolicy"]["MaxAttempts"] = 0
    read["Mode"] = {"Replicated": {"Replicas": 1}}
    read["UpdateConfig"] |= {"Order": "stop-first", "FailureAction": "pause"}
    read["EndpointSpec"]["Mode"] = "vip"
    read["EndpointSpec"]["Ports"][0] |= {"Protocol": "tcp", "PublishMode": "ingress"}
    return read


EXPECTED = {
    "image": "web:1",
    "image in the file": "web:1",
    "replicas": "1",
    "mode": "replicated",
    "label team": "a",
    "environment LEVEL": "info",
    "environment EMPTY": '""',
    "environment PASSED_ON": "not set",
    "stop grace period": "3 s",
    "mount /data": "volume s_data, read-only",
    "mount /host": "bind /tmp",
    "port 80/tcp": "published as 8080 ingress",
    "limit CPUs": "0.5",
    "limit memory": "64 MiB",
    "constraints": "node.role == manager",
    "most per node": "4",
    "network s_inner": "as web",
    "config s_settings": "Name /etc/s, UID 0, GID 0, Mode 0444",
    "secret s_password": "Name pass, Mode 0400",
    "health check": "CMD true",
    "health check interval": "1.5 s",
    "restart condition": "any",
    "update parallelism": "2",
    "update delay": "1 s",
    "update max failure ratio": "0",
    "update order": "stop-first",
    "update failure action": "pause",
}


def fields(spec: dict[str, Any]) -> dict[str, str]:
    """A spec's fields."""
    return fields_of(service_form(spec, NAMES), REDACTOR)


def test_each_field_is_readable() -> None:
    found = fields(POSTED)
    hidden = {name: text for name, text in found.items() if "hidden (" in text}

    assert {name: text for name, text in found.items() if name not in hidden} == EXPECTED
    assert hidden.keys() == {"environment DB_PASSWORD", "command"}
    assert "sesame" not in str(found)


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (
            {
                "Type": "volume",
                "Source": "s_media",
                "VolumeOptions": {
                    "NoCopy": True,
                    "Labels": {"com.docker.stack.namespace": "s", "team": "a"},
                    "DriverConfig": {
                        "Name": "local",
                        "Options": {"type": "nfs", "device": ":/media", "o": "addr=10.0.0.20,rw"},
                    },
                },
            },
            (
                "volume s_media, no copy of the image's files, driver local, device :/media,"
                " o addr=10.0.0.20,rw, type nfs, label team a"
            ),
        ),
        (
            {"Type": "tmpfs", "TmpfsOptions": {"SizeBytes": 67_108_864, "Mode": 0o1777}},
            "tmpfs, size 64 MiB, mode 1777",
        ),
        (
            {"Type": "bind", "Source": "/x", "BindOptions": {"Propagation": "rslave"}},
            "bind /x, propagation rslave",
        ),
        ({"Type": "bind", "Source": "/x", "Consistency": "cached"}, "bind /x"),
    ],
)
def test_a_mount_is_written_as_in_a_stack_file(mount: dict[str, Any], said: str) -> None:
    spec = {"TaskTemplate": {"ContainerSpec": {"Mounts": [{**mount, "Target": "/m"}]}}}

    assert fields(spec)["mount /m"] == said


def test_the_order_of_options_is_not_a_difference() -> None:
    """A stack's file and the engine list the same volume options in different orders."""
    options = {"type": "nfs", "device": ":/media", "o": "addr=10.0.0.20"}
    specs = [
        {"TaskTemplate": {"ContainerSpec": {"Mounts": [mount]}}}
        for mount in (
            {"Type": "volume", "Target": "/m", "VolumeOptions": {"DriverConfig": options}},
            {"VolumeOptions": {"DriverConfig": dict(sorted(options.items()))}, "Target": "/m"}
            | {"Type": "volume"},
        )
    ]

    assert fields(specs[0]) == fields(specs[1])


def test_the_engines_defaults_are_not_a_difference() -> None:
    assert service_form(as_the_engine_shows_it(), NAMES) == service_form(POSTED, NAMES)


def test_an_outdated_id_of_a_name_is_a_difference() -> None:
    """The secret was removed and created again: the service has the old one."""
    fresh = {**NAMES, "x2": "s_password"}
    del fresh["x1"]

    assert service_form(POSTED, fresh) != service_form(POSTED, NAMES)


def test_image_and_replicas_come_first() -> None:
    old, new = fields(POSTED), {**fields(POSTED), "replicas": "3"}

    found = differences(old, new)

    assert [each.field for each in found[:2]] == ["image", "replicas"]
    assert [(each.field, each.old, each.new) for each in found if each.changed] == [
        ("replicas", "1", "3"),
    ]


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ({"Global": {}}, {"mode": "global"}),
        ({"GlobalJob": {}}, {"mode global job": "true"}),
        (
            {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 2}},
            {
                "mode replicated job max concurrent": "1",
                "mode replicated job total completions": "2",
            },
        ),
        ({"Replicated": {"Replicas": 0}}, {"mode": "replicated", "replicas": "0"}),
    ],
)
def test_modes(mode: dict[str, Any], shown: dict[str, str]) -> None:
    assert fields_of(service_form({"Mode": mode}, {}), REDACTOR) == shown


def test_only_the_labels_of_a_config_can_change() -> None:
    assert labelled_form({"Name": "a", "Labels": None, "Data": "x"}) == {"Name": "a", "Labels": {}}


leaves = st.text("ab", min_size=1, max_size=3) | st.integers(1, 9) | st.just(value=True)
trees = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.text("XYZ", min_size=1, max_size=2), inner, min_size=1),
    max_leaves=6,
)


@given(trees, trees)
def test_no_part_of_a_spec_is_ignored(one: Any, other: Any) -> None:
    """A difference in unknown parts of a spec is a difference of the fields."""
    forms = [
        service_form({**POSTED, "TaskTemplate": {**POSTED["TaskTemplate"], "New": tree}}, NAMES)
        for tree in (one, other)
    ]

    told = [fields_of(form, REDACTOR) for form in forms]

    assert (told[0] == told[1]) == (shape(one) == shape(other))


def shape(tree: Any, path: str = "") -> dict[str, str]:
    """A tree by its paths; 1 and true are different values."""
    if not isinstance(tree, dict):
        return {path: str(tree).lower()}
    return {key: text for part in tree for key, text in shape(tree[part], f"{path}.{part}").items()}
