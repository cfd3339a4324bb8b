"""How the bot knows its own container."""

from __future__ import annotations

import pytest

from bot.swarm.stack_objects import container_of

ID = "ab12" * 16
MOUNTS = f"""\
511 491 0:68 / /proc rw,nosuid - proc proc rw
530 491 8:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw
531 491 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw
"""


@pytest.mark.parametrize(
    ("mounts", "hostname", "known"),
    [
        (MOUNTS, "bot", ID),
        (MOUNTS, "f00df00df00d", ID),
        ("", "f00df00df00d", "f00df00df00d"),
        ("511 491 0:68 / /proc rw - proc proc rw", "photon-machine-01", ""),
        ("", "f00df00df00d1", ""),
        ("/containers/short/hostname", "", ""),
    ],
)
def test_the_engines_mounts_tell_the_container(mounts: str, hostname: str, known: str) -> None:
    assert container_of(mounts, hostname) == known
