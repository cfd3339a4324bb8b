"""Volumes: who mounts them, which server they are on, how the engine created them."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import (
    ClusterState,
    LiveVolume,
    NfsServer,
    VolumeMount,
    nfs_server,
    volumes_of,
    why_unusable,
)
from bot.network.tcp import TcpReachability

NFS = {"type": "nfs", "o": "addr=10.0.0.5,nolock,soft,rw,nfsvers=4", "device": ":/var/nfs/media"}


@pytest.mark.parametrize(
    ("options", "server"),
    [
        (NFS, NfsServer("10.0.0.5", 2049, "/var/nfs/media")),
        ({"type": "nfs4", "device": "nas:/x", "o": "rw"}, NfsServer("nas", 2049, "/x")),
        ({"type": "nfs", "device": ":/x", "o": "addr=nas,port=2050"}, NfsServer("nas", 2050, "/x")),
        ({"type": "nfs", "device": "[fd00::5]:/x"}, NfsServer("fd00::5", 2049, "/x")),
        ({"type": "nfs", "device": ":/x", "o": "rw"}, NfsServer("", 2049, "/x")),
        ({"type": "nfs", "device": ":/x", "o": "addr=n,port=no"}, NfsServer("n", 2049, "/x")),
        ({"type": "tmpfs", "device": "tmpfs"}, None),
        ({}, None),
    ],
)
def test_the_server_of_a_volume(options: dict[str, str], server: NfsServer | None) -> None:
    assert nfs_server(options) == server


@pytest.mark.parametrize(
    ("host", "placeholder"),
    [
        ("nfs_server_ip", True),
        ("", True),
        ("<server>", True),
        ("${NFS_SERVER}", True),
        ("your-nfs", True),
        ("CHANGEME", True),
        ("nfs.example.com", True),
        ("10.x.x.x", True),
        ("10.0.0.5", False),
        ("nas", False),
        ("nfs-01.internal", False),
        ("storage.company.org", False),
    ],
)
def test_a_placeholder_host(host: str, *, placeholder: bool) -> None:
    assert NfsServer(host, 2049, "/").is_placeholder is placeholder


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["type", "o", "device"]), st.text(max_size=40)))
def test_any_options_can_be_parsed(options: dict[str, str]) -> None:
    found = nfs_server(options | {"type": "nfs"})

    assert found is not None
    assert 0 < found.port < 65536


def cluster(
    name: str, group: str = "", availability: str = "active", *, created: bool = True
) -> LiveVolume:
    return LiveVolume(name, "csi-nfs", {}, ClusterState(group, availability, created))


GOOD, NEW = cluster("good", "shared"), cluster("new", "shared", created=False)
DRAINED, PAUSED = cluster("drained", "old", "drain"), cluster("paused", availability="pause")
LOCAL = LiveVolume("local", "local", {})


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("good", ""),
        ("group:shared", ""),
        ("new", "cluster volume new was never created by its CSI plugin csi-nfs"),
        ("drained", "cluster volume drained is drained"),
        ("group:old", "cluster volume drained is drained"),
        ("paused", "cluster volume paused is paused"),
        ("local", "there is no cluster volume named local"),
        ("group:", "there is no cluster volume named group:"),
        ("group:none", "there is no cluster volume in the group none"),
    ],
)
def test_why_no_node_can_use_a_volume_of_the_swarms_own(source: str, why: str) -> None:
    live = {each.key: each for each in (GOOD, NEW, DRAINED, PAUSED, LOCAL)}

    assert why_unusable(source, live) == why


def test_a_local_volume_and_one_of_the_swarms_own_may_have_the_same_name() -> None:
    live = {each.key: each for each in (LiveVolume("media", "local", {}), cluster("media"))}
    mounts = [VolumeMount("media", "orochi_web", "/a", cluster=kind) for kind in (True, False)]

    assert [(each.driver, each.is_cluster) for each in volumes_of(mounts, live)] == [
        ("local", False),
        ("csi-nfs", True),
    ]


def test_nothing_is_said_against_volumes_that_could_not_be_read() -> None:
    mounts = [VolumeMount("new", "orochi_web", "/data", cluster=True)]

    assert volumes_of(mounts, None)[0].flaw == ""
    assert volumes_of(mounts, {})[0].flaw


def test_mounts_of_one_volume_are_grouped() -> None:
    mounts = [
        VolumeMount("s_media", "s_worker", "/media", "local", NFS),
        VolumeMount("s_db", "s_db", "/data"),
        VolumeMount("s_media", "s_django", "/media", "local", NFS),
    ]
    db, media = volumes_of(mounts, {"s_db": LiveVolume("s_db", "local", {})})

    assert [mount.service for mount in media.mounts] == ["s_django", "s_worker"]
    assert media.nfs == NfsServer("10.0.0.5", 2049, "/var/nfs/media")
    assert (db.driver, db.nfs, db.differing, media.live) == ("local", None, (), None)


def test_an_existing_volume_keeps_its_old_options() -> None:
    old = LiveVolume("m", "local", {**NFS, "device": ":/old"})
    (volume,) = volumes_of([VolumeMount("m", "s", "/m", "local", NFS)], {"m": old})
    (same,) = volumes_of([VolumeMount("m", "s", "/m")], {"m": old})

    assert volume.differing == ("device",)
    assert same.differing == ()
    assert same.nfs == NfsServer("10.0.0.5", 2049, "/old")


async def test_a_server_that_answers_and_one_that_refuses() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reachability = TcpReachability()

    assert await reachability.tcp("127.0.0.1", port) is Reach.ANSWERS
    server.close()
    await server.wait_closed()
    assert await reachability.tcp("127.0.0.1", port) is Reach.REFUSES


async def test_a_silent_server_times_out() -> None:
    """Its backlog is full: the kernel accepts no further connection, and refuses none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(address)
            assert await TcpReachability(0.2).tcp(*address) is Reach.SILENT
        finally:
            for each in waiting:
                each.close()


@pytest.mark.parametrize("host", ["no such host", "nfs_server_ip.invalid", "x" * 300, "a..b", ""])
async def test_an_unknown_host_name(host: str) -> None:
    assert await TcpReachability().tcp(host, 1) is Reach.UNRESOLVED
