"""What containers of the demo's swarm run."""

from __future__ import annotations

import pytest

from playground.swarm.programs import FOR_EVER, Image, program_of

WORKER = Image("worker", ("dask-worker",), ("MODE=fast",), says=("starting",))


@pytest.mark.parametrize(
    ("words", "lines"),
    [(["echo", "hello"], ["hello"]), (["env"], ["MODE=fast", "LEVEL=2"])],
)
def test_a_tool_in_a_daemons_image_ends_with_its_own_output(words: list[str], lines: list[str]):
    program = program_of(WORKER, {"Args": words, "Env": ["LEVEL=2"]}, "node-1")

    assert ([line.text for line in program.lines], program.seconds) == (lines, 0.0)


def test_other_words_are_arguments_of_the_daemon():
    program = program_of(WORKER, {"Args": ["dask-worker", "--nthreads", "2"]}, "node-1")

    assert ([line.text for line in program.lines], program.seconds) == (["starting"], FOR_EVER)
