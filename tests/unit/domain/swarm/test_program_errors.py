"""Log lines that say that a program could not be executed, and others that do not."""

from __future__ import annotations

import pytest

from bot.domain.swarm.causes import CauseKind, classify, with_log
from tests.unit.looks import failed

WINDOWS = "it is a script with Windows line endings (CR LF)"
INTERPRETER = "its first line `#!…` names a program that the image does not have"
PLATFORM = "it is for another platform"


@pytest.mark.parametrize(
    ("lines", "code", "program", "why"),
    [
        ("exec /bin/app: exec format error", 255, "`/bin/app`", PLATFORM),
        (
            "standard_init_linux.go:228: exec user process caused: exec format error",
            1,
            "the container's program",
            PLATFORM,
        ),
        ("sh: /app/x: cannot execute binary file: Exec format error", 126, "`/app/x`", PLATFORM),
        ("exec /entry.sh: no such file or directory", 255, "`/entry.sh`", INTERPRETER),
        (
            "/bin/sh: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory",
            126,
            "`./run.sh`",
            INTERPRETER,
        ),
        (
            "bash: ./run.sh: /bin/zsh: bad interpreter: No such file or directory",
            126,
            "",
            INTERPRETER,
        ),
        ("env: 'python3\\r': No such file or directory", 127, "the container's program", WINDOWS),
        (
            "env: \u2018bash\\r\u2019: No such file or directory",
            127,
            "the container's program",
            WINDOWS,
        ),
        ("starting\nexec /app/run: permission denied", 126, "`/app/run`", "chmod +x"),
    ],
)
def test_a_program_that_cannot_be_executed_is_named(
    lines: str, code: int, program: str, why: str
) -> None:
    cause = classify(failed("f1", code=code))
    assert cause is not None

    known = with_log(cause, lines)

    assert known.kind is CauseKind.START_FAILED
    assert known.exit_code == code
    assert program in known.text
    assert why in known.text


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("", 255),
        ("fatal: connection refused", 1),
        ("open /data/x: no such file or directory", 1),
        ("exec /entry.sh: no such file or directory", 137),
        ("exec /bin/app: exec format error\nretrying\nretrying\nretrying", 1),
        ("psycopg2: executor: no such file or directory", 1),
    ],
)
def test_other_lines_leave_the_exit_code(lines: str, code: int) -> None:
    cause = classify(failed("f1", code=code))
    assert cause is not None
    assert with_log(cause, lines) == cause
