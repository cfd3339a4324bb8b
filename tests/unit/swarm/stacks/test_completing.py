"""Recorded calls as the engine will really store them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.deploys.warnings import FILE_IMAGE
from bot.domain.swarm.model import Platform
from bot.swarm.stacks.completing import left_out, platforms_of, with_platforms, without_newer_fields
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.networks import drivers_of, without_existing
from bot.swarm.stacks.normal import service_form
from bot.swarm.stacks.registry import Lookup, file_tag, with_lookup

A, B = f"web:1@sha256:{'a' * 64}", f"web:1@sha256:{'b' * 64}"
AMD = [{"Architecture": "amd64", "OS": "linux"}]
NAMESPACE = "com.docker.stack.namespace"


def spec(image: str = A, placement: dict[str, Any] | None = None, **container: Any) -> Any:
    template = {"ContainerSpec": {"Image": image, **container}, "Placement": placement or {}}
    return {"Name": "s_web", "Labels": {FILE_IMAGE: "web:1"}, "TaskTemplate": template}


def update(body: dict[str, Any]) -> RecordedCall:
    return RecordedCall("services", "update", "w1", body, {})


def test_an_image_that_stays_keeps_its_platforms():
    """The docker CLI leaves them out when it does not ask a registry again."""
    live = {"Spec": spec(placement={"Platforms": AMD})}
    call = update(spec(placement={"Constraints": ["node.role == worker"]}))

    kept = with_platforms(call, live)

    assert kept.body["TaskTemplate"]["Placement"] == {
        "Constraints": ["node.role == worker"],
        "Platforms": AMD,
    }
    same = with_platforms(update(spec()), live).body
    assert service_form(same, {}) == service_form(live["Spec"], {})


def test_another_image_has_platforms_of_its_own():
    live = {"Spec": spec(placement={"Platforms": AMD})}
    arm = [{"Architecture": "arm64", "OS": "linux"}]

    assert with_platforms(update(spec(B)), live) == update(spec(B))
    asked = update(spec(B, {"Platforms": arm}))
    assert with_platforms(asked, live) == asked


MOUNT = {"Type": "volume", "Source": "v", "Target": "/v"}
NEWER = [
    ({"Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 5}}, "start_interval", "1.43", "1.44"),
    ({"Mounts": [{**MOUNT, "VolumeOptions": {"Subpath": "x"}}]}, "subpath", "1.44", "1.45"),
    ({"OomScoreAdj": -100}, "oom_score_adj", "1.45", "1.46"),
]


@pytest.mark.parametrize(("fields", "name", "old", "new"), NEWER)
def test_what_an_engine_drops_is_not_planned(fields: dict[str, Any], name: str, old: str, new: str):
    call = update(spec(**fields))

    (dropped,), found = without_newer_fields([call], old)
    (kept,), none = without_newer_fields([call], new)

    assert [(each.name, services) for each, services in found.items()] == [(name, ("s_web",))]
    assert service_form(dropped.body, {}) != service_form(call.body, {})
    assert (kept, none) == (call, {})
    assert call == update(spec(**fields)), "the recorded call stays as it is"


@pytest.mark.parametrize(
    ("posted", "stored"),
    [
        ({"Mode": {"ReplicatedJob": {}}}, {"MaxConcurrent": 1, "TotalCompletions": 1}),
        (
            {"Mode": {"ReplicatedJob": {"MaxConcurrent": 3}}},
            {"MaxConcurrent": 3, "TotalCompletions": 3},
        ),
    ],
)
def test_a_job_without_numbers_equals_what_the_engine_makes_of_it(
    posted: dict[str, Any], stored: dict[str, int]
):
    """Otherwise a second deploy would run the job again."""
    live = {"Mode": {"ReplicatedJob": stored}}

    assert service_form(posted, {}) == service_form(live, {})


def test_an_unknown_publish_mode_is_ingress():
    ports = [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": mode}
             for mode in ("overlay", "ingress")]  # fmt: skip
    forms = [service_form({"EndpointSpec": {"Ports": [port]}}, {}) for port in ports]

    assert forms[0] == forms[1]


class TestTags:
    """An image that was pushed again under its tag."""

    LIVE: dict[str, Any] = {"Spec": spec(placement={"Platforms": AMD})}  # noqa: RUF012

    def test_only_tags_that_a_registry_resolved_are_looked_up(self):
        pinned = spec(A)
        pinned["Labels"] = {FILE_IMAGE: A}

        assert file_tag(update(spec()), self.LIVE) == "web:1"
        assert file_tag(update(spec()), {"Spec": spec("web:1")}) == ""
        assert file_tag(update(pinned), {"Spec": pinned}) == ""
        assert file_tag(RecordedCall("services", "create", "x", spec(), {}), {}) == ""
        other = spec("web:2")
        other["Labels"] = {FILE_IMAGE: "web:2"}
        assert file_tag(update(other), self.LIVE) == ""

    def test_the_new_image_is_planned_with_its_platforms(self):
        arm = {"Architecture": "arm64", "OS": "linux"}
        found = {"web:1": Lookup(f"sha256:{'b' * 64}", (Platform("linux", "arm64"),))}
        call = update(spec(placement={"Platforms": AMD}))

        fresh = with_lookup(call, "web:1", found)

        template = fresh.body["TaskTemplate"]
        assert template["ContainerSpec"]["Image"] == B
        assert platforms_of(template) == [arm]

    def test_another_image_that_was_set_since_gives_way_to_the_files(self):
        """With the digest of the file's tag, or without one; a digest in the file as it is."""
        now = spec(f"other/web:2@sha256:{'c' * 64}", placement={"Platforms": AMD})
        call, live = update(now), {"Spec": now}
        found = {"web:1": Lookup(f"sha256:{'b' * 64}")}

        assert file_tag(call, live) == "web:1"
        template = with_lookup(call, "web:1", found).body["TaskTemplate"]
        assert (template["ContainerSpec"]["Image"], platforms_of(template)) == (B, [])
        template = with_lookup(call, "web:1", {"web:1": Lookup(trouble="down")}).body[
            "TaskTemplate"
        ]
        assert (template["ContainerSpec"]["Image"], platforms_of(template)) == ("web:1", [])

    def test_two_ways_to_write_a_name_are_one(self):
        now = spec(A)
        now["Labels"] = {FILE_IMAGE: "docker.io/library/web:1"}
        same = {"docker.io/library/web:1": Lookup(f"sha256:{'a' * 64}")}

        assert with_lookup(update(now), "docker.io/library/web:1", same) == update(now)

    def test_the_same_image_and_a_failed_lookup_change_nothing(self):
        call = update(spec())
        for found in (Lookup(f"sha256:{'a' * 64}"), Lookup(trouble="down")):
            assert with_lookup(call, "web:1", {"web:1": found}) == call


class TestNetworks:
    """Networks that exist already."""

    WANTED: dict[str, Any] = {  # noqa: RUF012
        "Name": "s_n",
        "Driver": "overlay",
        "Labels": {NAMESPACE: "s", "x": "2"},
        "Options": {"encrypted": "true"},
        "Internal": True,
        "IPAM": {"Config": [{"Subnet": "10.82.0.0/24"}]},
    }
    LIVE: dict[str, Any] = {  # noqa: RUF012
        "Name": "s_n",
        "Id": "n1",
        "Driver": "overlay",
        "Labels": {NAMESPACE: "s", "x": "1"},
        "Options": {"com.docker.network.driver.overlay.vxlanid_list": "4100"},
        "Internal": False,
        "Attachable": True,
        "IPAM": {"Config": [{"Subnet": "10.0.9.0/24", "Gateway": "10.0.9.1"}]},
    }

    def create(self, body: dict[str, Any]) -> RecordedCall:
        return RecordedCall("networks", "create", "made", body, {})

    def test_they_are_not_created_and_every_difference_is_told(self):
        calls, kept = without_existing([self.create(self.WANTED)], {"n1": self.LIVE}, "s")

        assert calls == []
        assert kept[0].differing == (
            ("internal", "false", "true"),
            ("attachable", "true", "false"),
            ("encrypted", "", "true"),
            ("label x", "1", "2"),
            ("subnet", "10.0.9.0/24", "10.82.0.0/24"),
        )

    def test_what_the_engine_chose_is_no_difference(self):
        plain = {"Name": "s_n", "Driver": "overlay", "Labels": {NAMESPACE: "s"}}
        live = {**self.LIVE, "Labels": {NAMESPACE: "s"}, "Attachable": False}

        assert without_existing([self.create(plain)], {"n1": live}, "s") == ([], ())

    def test_networks_of_others_are_created_or_refused(self):
        foreign = {**self.LIVE, "Labels": {}}

        calls, kept = without_existing([self.create(self.WANTED)], {"n1": foreign}, "s")

        assert len(calls) == 1
        assert kept == ()


def test_a_field_that_the_docker_cli_leaves_out_is_found_in_the_file() -> None:
    """It does not even send this one to an engine that does not know it."""
    services = {"web": {"oom_score_adj": -100}, "db": {"oom_score_adj": 0}, "odd": None}

    found = left_out(services, "shop", "1.41")

    assert {each.name: names for each, names in found.items()} == {"oom_score_adj": ("shop_web",)}
    assert left_out(services, "shop", "1.46") == {}


def test_the_drivers_of_new_networks() -> None:
    calls = [
        RecordedCall("networks", "create", "n1", {"Driver": "overlay"}, {}),
        RecordedCall("networks", "create", "n2", {"IPAM": {"Driver": "dhcp"}}, {}),
        RecordedCall("networks", "create", "n3", {"IPAM": {}}, {}),
        RecordedCall("services", "create", "s1", {}, {}),
    ]
    assert [found[1:] for found in drivers_of(calls)] == [("Network", "overlay"), ("IPAM", "dhcp")]
