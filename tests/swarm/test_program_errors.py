"""A container whose program cannot be executed, on a real swarm: the bot says so, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk import Desk
from tests.swarm.test_scale import said, verdict

NO_INTERPRETER = (
    "its first line `#!…` names a program that the image does not have, or it has Windows line "
    "endings (CR LF)"
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"#!/bin/sh\r\nexec serve\r\n", NO_INTERPRETER),
        (b"exec serve\n", "it is for another platform, or a script without a first line `#!…`"),
    ],
    ids=["Windows line endings", "no first line"],
)
async def test_a_program_that_cannot_be_executed(
    desk: Desk, tmp_path: Path, content: bytes, why: str
) -> None:
    script = tmp_path / "entry.sh"
    script.write_bytes(content)
    script.chmod(0o755)
    mount = f"--mount=type=bind,src={tmp_path},dst=/way"
    await desk.service("worker01", "/way/entry.sh", replicas=0, options=[mount])

    message = await desk.job("scale 1")

    assert verdict(message) == "failed"
    assert f"the container could not execute `/way/entry.sh`: {why}" in said(message)
    assert "Correct the image or the command" in said(message)
