"""What the engine would refuse after parts of a plan were applied is refused before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.engine_rules import refused


def service(name: str = "s_web", **parts: Any) -> RecordedCall:
    spec: dict[str, Any] = {"Name": name, "TaskTemplate": {"ContainerSpec": {"Image": "web:1"}}}
    spec["TaskTemplate"] |= parts.pop("template", {})
    spec["TaskTemplate"]["ContainerSpec"] |= parts.pop("container", {})
    return RecordedCall("services", "create", "made", spec | parts, {})


def ports(*found: dict[str, Any], mode: str = "vip") -> RecordedCall:
    return service(EndpointSpec={"Mode": mode, "Ports": list(found)})


PORT = {"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}
REFUSED = [
    (service("s_my.svc"), "the service `my.svc` has a name that the swarm does not accept"),
    (service(f"s_{'x' * 62}"), f"is named `s_{'x' * 62}` in the swarm: 64 characters"),
    (ports(PORT, mode="dnsrr"), "publishes a port with `endpoint_mode: dnsrr`"),
    (ports(PORT, {**PORT, "TargetPort": 81}), "publishes port 8080/tcp twice"),
    (
        service(template={"Placement": {"Constraints": ["node.labels.zone = eu"]}}),
        "has a constraint that is not valid: `node.labels.zone = eu`",
    ),
    (
        service(container={"Mounts": [{"Target": "/x"}, {"Target": "/x"}]}),
        "mounts two volumes at `/x`",
    ),
    (
        service(container={"Secrets": [{"File": {"Name": "p"}}, {"File": {"Name": "p"}}]}),
        "has two secrets at `p`",
    ),
    (
        service(template={"Resources": {"Limits": {"MemoryBytes": 2**20}}}),
        "has less than 4 MiB of memory in its limits",
    ),
    (
        service(template={"Resources": {"Reservations": {"NanoCPUs": 1000}}}),
        "has less than 0.001 CPU in its reservations",
    ),
    (service(container={"Image": ""}), "has no image"),
    (service(container={"Image": "Web:1"}), "has the image `Web:1`, which is not a valid name"),
    (
        service(template={"RestartPolicy": {"Condition": "bogus"}}),
        "has `condition: bogus` in its `restart_policy`",
    ),
    (
        service(UpdateConfig={"FailureAction": "bogus"}),
        "has `failure_action: bogus` in its `update_config`",
    ),
    (
        service(RollbackConfig={"FailureAction": "rollback"}),
        "has `failure_action: rollback` in its `rollback_config`",
    ),
    (ports(mode="bogus"), "has `endpoint_mode: bogus`"),
    (
        service(container={"Healthcheck": {"Interval": 1000}}),
        "has less than 1 ms as `interval` of its health check",
    ),
    (
        service(container={"Healthcheck": {"Test": ["true"]}}),
        "has a health check whose `test` begins with `true`",
    ),
    (service(container={"Hostname": "h" * 65}), "has a `hostname` of 65 characters"),
    (
        service(Mode={"ReplicatedJob": {}}, UpdateConfig={"Parallelism": 1}),
        "is a job and has an `update_config`",
    ),
    (
        RecordedCall("configs", "create", "c", {"Name": "s_c", "Data": ""}, {}),
        "the config `c` is empty",
    ),
    (
        RecordedCall("secrets", "update", "c", {"Name": "s_c"}, {}),
        "the secret `c` is empty",
    ),
    (
        RecordedCall("networks", "create", "n", {"Name": "s_n", "Driver": "bridge"}, {}),
        "the network `n` has the driver `bridge`",
    ),
]


@pytest.mark.parametrize(("call", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_the_engine_refuses(call: RecordedCall, said: str):
    error = refused([service(), call], "s")

    assert error is not None
    assert said in error.sentence
    assert error.hint


ACCEPTED = [
    service("s_web-1_a"),
    service(f"s_{'x' * 61}"),
    RecordedCall("configs", "create", "c", {"Name": "s_site.conf", "Data": "YQ=="}, {}),
    RecordedCall("secrets", "create", "c", {"Name": "s_vault", "Driver": {"Name": "vault"}}, {}),
    RecordedCall("networks", "create", "n", {"Name": "s_n", "Driver": "overlay"}, {}),
    RecordedCall("services", "remove", "w1", {}, {}),
    ports({**PORT, "PublishMode": "host"}, mode="dnsrr"),
    ports(PORT, {**PORT, "Protocol": "udp"}, {"TargetPort": 1}, {"TargetPort": 2}),
    service(template={"Placement": {"Constraints": ["node.role==manager", "node.id != x"]}}),
    service(template={"Resources": {"Limits": {"MemoryBytes": 4 * 2**20, "NanoCPUs": 10**6}}}),
    *(
        service(container={"Image": image})
        for image in (
            "web",
            "127.0.0.1:5000/shop/web:stable",
            "ghcr.io/a/b-c/d__e:V1.2_x",
            f"web:1@sha256:{'a' * 64}",
            f"web@sha256:{'a' * 64}",
            "localhost/web",
            "Registry.example.com/web",
        )
    ),
]


@pytest.mark.parametrize("call", ACCEPTED)
def test_what_the_engine_accepts(call: RecordedCall):
    assert refused([call], "s") is None
