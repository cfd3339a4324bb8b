"""Which commands wait for which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.commands.ordering import TYPED, may_concern, typed
from bot.domain.commands.values import Defaults
from bot.domain.jobs.model import Job, Target

JOB = Job(
    id="abcdef", action="scale", stack="orochi", text="", user="U1", channel="C1", created=0.0,
    targets=(Target("orochi_worker01", "id", 3),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "concerns"),
    [
        ("drain n1", True),
        ("drain n1 --yes", True),
        ("activate abcdef", True),
        ("scale 5", False),
        ("ps", False),
    ],
)
def test_commands_for_nodes_wait_for_each_other(text: str, concerns: bool):
    """A node may also be named by its id, so all commands for nodes wait for each other."""
    drain = replace(JOB, action="drain", targets=(Target("node:photon-machine-01", "n1", 2),))
    assert may_concern(typed(TYPED, text, Defaults()), drain) is concerns
    assert may_concern(typed(TYPED, "drain n1", Defaults()), JOB) is False


@pytest.mark.parametrize(
    ("action", "text", "concerns"),
    [
        (TYPED, "scale 5", True),
        (TYPED, "scale worker01 5", True),
        (TYPED, "scale orochi_worker01=5", True),
        (TYPED, "scale WORKER01=5 django=1", True),
        (TYPED, "scale django 5", False),
        (TYPED, "status", False),
        (TYPED, "nonsense", False),
        (TYPED, "restart worker01", True),
        (TYPED, "rollback orochi_WORKER01", True),
        (TYPED, "rollback", False),
        (TYPED, "rollback --yes", True),
        (TYPED, "restart django", False),
        (TYPED, "resume worker01", True),
        ("job.rollback", "ghijkm", True),
        ("job.restart", "orochi_django", True),
    ],
)
def test_commands_for_one_service_wait_for_each_other(action: str, text: str, concerns: bool):
    """A button may be for any service; names are compared without prefix and case."""
    assert may_concern(typed(action, text, Defaults()), JOB) is concerns
