"""Each trap in a stack's file gets one warning with its name and the solution."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.deploys.warnings import FILE_IMAGE, KeptNetwork, Stack, to_ask, warnings
from bot.domain.swarm.model import Availability, Mode, Node, Service
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import ClusterState, LiveVolume, VolumeMount, volumes_of

NODES = (Node("n1", "one"), Node("n2", "two"), Node("n3", "three", availability=Availability.DRAIN))
NFS = {"type": "nfs", "o": "addr={},nolock,soft,rw,nfsvers=4", "device": ":/var/nfs/media"}


def service(name: str, image: str = "busy:1", replicas: int | None = 1, **more: object) -> Service:
    mode = Mode.GLOBAL if replicas is None else Mode.REPLICATED
    fields = {"image": image, "stack": "orochi", **more}
    return Service("", f"orochi_{name}", 1, mode, replicas, **fields)  # type: ignore[arg-type]


def mount(volume: str, by: str, options: dict[str, str] | None = None) -> VolumeMount:
    return VolumeMount(f"orochi_{volume}", f"orochi_{by}", "/data", "local", options or {})


def nfs(volume: str, by: str, server: str) -> VolumeMount:
    return mount(volume, by, {name: text.format(server) for name, text in NFS.items()})


def told(*mounts: VolumeMount, live: tuple[LiveVolume, ...] = (), **fields: object) -> list[str]:
    volumes = volumes_of(mounts, {each.key: each for each in live})
    fields = {"nodes": NODES, **fields}
    return list(warnings(Stack("orochi", volumes=volumes, **fields)))  # type: ignore[arg-type]


def test_a_stack_without_traps_has_no_warnings():
    """Neither a volume of one task nor one on a server that answers is a trap."""
    assert not told(
        mount("data", "web"),
        nfs("media", "web", "10.0.0.9"),
        services=(service("web"),),
        reached={("10.0.0.9", 2049): Reach.ANSWERS},
    )


def test_warnings_have_the_same_order_in_whatever_order_the_services_come():
    """The docker CLI goes through the services in another order each time."""
    services = [service(name, replicas=2) for name in ("web", "db", "api")]
    mounts = [mount(f"data-{each.short_name}", each.short_name) for each in services]
    fields: list[dict[str, Any]] = [
        {
            "services": tuple(one),
            "dropped": {("sysctls", "24.0"): tuple(each.name for each in one)},
            "odd_ports": tuple((each.name, "80", "hots") for each in one),
            "bound_ports": tuple(f"127.0.0.1:{len(each.name)}" for each in one),
            "networks": tuple(KeptNetwork(each.name, (("mtu", "1", "2"),)) for each in one),
            "unknown_tags": {each.name: "The registry is away." for each in one},
        }
        for one in (services, services[::-1])
    ]
    first, second = told(*mounts, **fields[0]), told(*mounts[::-1], **fields[1])

    assert len(first) >= 9
    assert first == second


@pytest.mark.parametrize(
    "server",
    ["nfs_server_ip", "changeme", "example.com", "nfs.example.org", "${NFS_SERVER}", "nfs_server"],
)
def test_a_placeholder_for_a_server_is_warned_about_and_not_contacted(server: str):
    """One sentence covers all volumes on it."""
    mounts = (nfs("media", "web", server), nfs("symbols", "web", server))
    assert not to_ask(volumes_of(mounts, {}))
    assert told(*mounts) == [
        (
            f"NFS volumes `media` and `symbols`: the options have `{server}`, a placeholder. "
            "Put the server's address into `addr=`."
        )
    ]


def test_options_without_a_server_are_warned_about():
    assert told(nfs("media", "web", "")) == [
        ("NFS volume `media`: the options have no server. Put the server's address into `addr=`.")
    ]


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (Reach.UNRESOLVED, "cannot be resolved from the bot. Is the name right?"),
        (Reach.REFUSES, "refuses connections on TCP 2049. Is the NFS server running there?"),
        (
            Reach.SILENT,
            "does not answer on TCP 2049. Is it up? Does a firewall block the bot?",
        ),
        (Reach.UNREACHABLE, "cannot be reached from the bot. Is the address right?"),
    ],
)
def test_a_server_that_does_not_answer_is_warned_about(reach: Reach, words: str):
    mounts = (nfs("media", "web", "files.lan"),)
    asked = to_ask(volumes_of(mounts, {}))
    assert asked == {("files.lan", 2049)}
    assert told(*mounts, reached=dict.fromkeys(asked, reach)) == [
        f"NFS volume `media`: the server `files.lan` {words}"
    ]


def test_a_volume_created_with_other_options_is_warned_about():
    """Docker keeps the old options silently; the solution costs a local volume its files."""
    old = {name: text.format("10.0.0.1") for name, text in NFS.items()}
    live = (LiveVolume("orochi_media", "local", old), LiveVolume("orochi_data", "other", {}))
    found = told(
        nfs("media", "web", "10.0.0.2"),
        mount("data", "web"),
        mount("undefined", "web"),
        live=(*live, LiveVolume("orochi_undefined", "local", {})),
        reached={},
    )
    assert found == [
        (
            "The volume `orochi_data` exists with other options (driver `other` instead of "
            "`local`), and Docker keeps those. To use the file's, run `docker volume rm "
            "orochi_data` on every node that has it, once nothing uses it there; this "
            "deletes its files."
        ),
        (
            "The volume `orochi_media` exists with other options (o "
            "`addr=10.0.0.1,nolock,soft,rw,nfsvers=4` instead of "
            "`addr=10.0.0.2,nolock,soft,rw,nfsvers=4`), and Docker keeps those. To use the file's, "
            "run `docker volume rm orochi_media` on every node that has it, once nothing uses it "
            "there; the files on its server stay."
        ),
    ]


def test_relative_paths_are_warned_about_by_service():
    found = told(
        relative=(
            ("orochi_web", "./media"),
            ("orochi_web", "../x"),
            ("orochi_db", "~/db"),
        )
    )
    assert found == [
        (
            "`web` mounts `./media` and `../x`: relative paths don't exist on the nodes, so "
            "its tasks would be rejected. Use an absolute path that every node has, or a volume."
        ),
        (
            "`db` mounts `~/db`: relative paths don't exist on the nodes, so its "
            "tasks would be rejected. Use an absolute path that every node has, or a volume."
        ),
    ]


def test_ignored_options_are_warned_about_in_one_line():
    (only,) = told(ignored=("restart", "build", "links"))
    assert only.startswith(
        "A swarm ignores `build`, `links` and `restart` in `orochi.yml`. Remove them, or use"
    )
    (only,) = told(ignored=("restart",))
    assert only.startswith("A swarm ignores `restart` in `orochi.yml`. Remove it, or use")


LOCAL = "The volume `orochi_data` is local, and {} may run on 2 nodes: "


def test_a_local_volume_of_tasks_on_several_nodes_is_warned_about():
    (only,) = told(mount("data", "web"), services=(service("web", replicas=2),))
    assert only.startswith(LOCAL.format("`web`"))
    (only,) = told(
        mount("data", "web"), mount("data", "db"), services=(service("web"), service("db"))
    )
    assert only.startswith(LOCAL.format("`db` and `web`"))


def test_a_local_volume_on_one_node_or_on_a_share_is_not_warned_about():
    """A global service has its own volume on each node, which is no trap either."""
    pinned = ("node.hostname == two",)
    both = (service("web", constraints=pinned), service("db", constraints=pinned))
    assert not told(mount("data", "web"), mount("data", "db"), services=both)
    assert not told(
        nfs("data", "web", "10.0.0.9"),
        services=(service("web", replicas=2),),
    )
    assert not told(mount("data", "agent"), services=(service("agent", replicas=None),))


def test_images_with_a_moving_tag_are_warned_about_once():
    """They are named as in the file: the CLI adds today's digest."""
    found = told(
        services=(
            service("a", "busy"),
            service("b", "busy:latest@sha256:0", labels={FILE_IMAGE: "busy:latest"}),
            service("c", "registry:5000/busy"),
            service("d", "registry:5000/busy:1"),
            service("e", "busy@sha256:0", labels={FILE_IMAGE: "busy@sha256:0"}),
        )
    )
    assert found == [
        (
            "Images without a fixed version: `busy` (a), `busy:latest` (b) and "
            "`registry:5000/busy` (c). What such a tag points to can change. "
            "Pin a version."
        )
    ]


def test_the_options_of_an_existing_network_leave_room_for_the_advice():
    """A message shows the first 600 characters of a warning."""
    differing = tuple((f"label option{n}", "old" * 40, "new" * 40) for n in range(5))
    network = KeptNetwork(f"orochi_{'n' * 56}", differing)

    (found,) = told(networks=(network,))

    assert len(found) <= 600
    assert "label option2 `oldold" in found
    assert "…`, and 2 more), and Docker keeps those." in found
    assert found.endswith("and deploy again.")


def test_values_of_existing_networks_and_volumes_are_hidden_in_pairs():
    live = (LiveVolume("orochi_data", "local", {"o": "former"}),)
    network = KeptNetwork("orochi_net", (("label key", "former", "later"),))
    volumes = volumes_of(
        (mount("data", "web", {"o": "later"}),), {each.name: each for each in live}
    )
    stack = Stack("orochi", volumes=volumes, networks=(network,), nodes=NODES)

    found = " ".join(warnings(stack, lambda _, __, ___: ("hidden", "hidden")))

    assert "o `hidden` instead of `hidden`" in found
    assert "label key `hidden` instead of `hidden`" in found
    assert "former" not in found


def test_drivers_of_networks_that_no_node_has_are_named():
    has = (("Network", "overlay"), ("Network", "weave:latest"), ("Volume", "bogus"))
    drivers = (
        ("orochi_a", "Network", "overlay"),
        ("orochi_b", "Network", "weave"),
        ("orochi_c", "Network", "bogus"),
        ("orochi_d", "IPAM", "default"),
        ("orochi_e", "IPAM", "bogus"),
    )
    found = told(nodes=(Node("n1", "one", plugins=has),), drivers=drivers)

    assert [each.partition(" needs:")[0] for each in found] == [
        "No node has the network driver `bogus`, which the network `c`",
        "Docker itself has no IPAM driver `bogus`, which the network `e`",
    ]
    unknown = told(nodes=(Node("n1", "one"),), drivers=drivers[2:3])
    assert unknown == []


def test_a_volume_of_the_swarms_own_that_no_node_can_use():
    mounts = [
        VolumeMount("orochi_media", f"orochi_{name}", "/data", cluster=True)
        for name in ("web", "api")
    ]
    made = LiveVolume("orochi_media", "csi", {}, ClusterState("", "active", created=True))

    assert told(*mounts, live=(made,)) == []
    assert told(*mounts) == [
        "No node can run `api` and `web`: there is no cluster volume named orochi_media."
    ]
