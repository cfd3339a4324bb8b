"""Runs pytest, and once more those few tests that may fail for a reason outside of the project.

`python -m tests.second_chance …` is `pytest …`. When it ends with failures only of tests on a real
swarm, Redis or browser, and at most five, these run a second time: after everything else, alone and
in one fresh process. What passes then is flaky: it is named at the end of the output and in
`artefacts/flaky.txt`. What fails again fails the run. `artefacts/outcomes.json` has the result of
every test, and what was chosen for the lab.

The last line counts each test once, by what became of it in the end. The exit status is 0 when all
passed at their first or second try, else 1.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FOLDERS = ("tests/swarm/", "tests/contract/", "tests/browser/")
MOST = 5
ARTEFACTS = Path(os.environ.get("ARTEFACTS") or "artefacts")
FLAKY = ARTEFACTS / "flaky.txt"
OUTCOMES = ARTEFACTS / "outcomes.json"
CHOICES = ("LAB_ENGINE", "LAB_STORE", "DOCKER_MIN_API_VERSION")
_FAILED, _NO_TESTS = 1, 5  # of pytest's exit statuses
_ORDER = ("failed", "passed", "skipped", "xfailed", "xpassed")


@dataclass(frozen=True)
class Run:
    """The result of a run of pytest."""

    status: int  # how the process ended
    outcomes: Mapping[str, str]  # by node id
    broken: int = 0  # files that could not be collected
    complete: bool = True  # every test ran, and pytest ended with the status it recorded

    @property
    def failed(self) -> tuple[str, ...]:
        """The node ids of the failed tests, in the order in which they failed."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome == "failed")

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong."""
        return self.status == 0 and not self.failed

    @property
    def errors(self) -> int:
        """What went wrong besides tests: a failed run never ends as if all had passed."""
        unexplained = not self.failed and self.status not in (0, _NO_TESTS)
        return self.broken or int(unexplained)


@dataclass(frozen=True)
class Again:
    """The tests that get a second chance."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Over:
    """The run has failed, for this reason."""

    reason: str


def decide(first: Run) -> Again | Over:
    """Which failed tests of a run get a second chance, if any."""
    if first.broken:
        return Over(f"{first.broken} file(s) could not be collected")
    if not first.complete or first.status != _FAILED or not first.failed:
        return Over(f"pytest did not run to its end (exit status {first.status})")
    if outside := [name for name in first.failed if not name.startswith(FOLDERS)]:
        return Over(f"{outside[0]} failed, and only tests in {', '.join(FOLDERS)} have one")
    if len(first.failed) > MOST:
        return Over(f"{len(first.failed)} tests failed, more than {MOST}")
    return Again(first.failed)


def joined(first: Run, second: Run) -> Run:
    """Both runs as one: a test that failed counts as passed only when it passed the second time."""
    tried = {
        name: "passed" if second.outcomes.get(name) == "passed" else "failed"
        for name in first.failed
    }
    return Run(second.status, {**first.outcomes, **tried}, second.broken, second.complete)


def closing_line(run: Run, seconds: float, width: int) -> str:
    """The last line, in pytest's form."""
    counts = Counter(run.outcomes.values())
    parts = [f"{counts[word]} {word}" for word in _ORDER if counts[word]]
    if run.errors:
        parts.append(f"{run.errors} error" + "s" * (run.errors > 1))
    clock = f" ({timedelta(seconds=int(seconds))})" if seconds >= 60 else ""
    text = f" {', '.join(parts) or 'no tests ran'} in {seconds:.2f}s{clock} "
    return text.center(width, "=")


def read_run(path: Path, status: int) -> Run:
    """The run whose outcomes are in this file and whose process ended with this status."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    notes = [json.loads(line) for line in lines]
    outcomes: dict[str, str] = {}
    for note in notes:
        if "node" in note and outcomes.get(note["node"]) != "failed":
            outcomes[note["node"]] = note["outcome"]
    complete = {"ended": status, "stopped": False} in notes
    return Run(status, outcomes, sum("broken" in note for note in notes), complete)


def run_pytest(arguments: Iterable[str], outcomes: Path) -> Run:
    """Run pytest in a process of its own, with our standard output."""
    # One argument: given two, pytest takes the second for a file and reads its configuration there.
    plugin = ("-p", "tests.outcomes", f"--outcomes={outcomes}")
    process = subprocess.Popen([sys.executable, "-m", "pytest", *plugin, *arguments])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: process.send_signal(got))
    return read_run(outcomes, process.wait())


def run_again(names: Sequence[str], folder: Path) -> Run:
    """Run these tests alone, in one process; a file holds their ids, which may have spaces."""
    _say(f" second chance: {len(names)} failed, run alone ".center(_width(), "="))
    ids = folder / "ids"
    ids.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return run_pytest(("-p", "no:xdist", f"@{ids}"), folder / "second")


def keep(names: Sequence[str]) -> None:
    """Write the file of flaky tests, replacing that of a former run."""
    FLAKY.parent.mkdir(parents=True, exist_ok=True)
    FLAKY.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def keep_outcomes(run: Run, flaky: Collection[str]) -> None:
    """Write what became of each test; those that passed at their second try are `flaky`."""
    said = {
        "date": datetime.now(UTC).date().isoformat(),
        "environment": {name: os.environ[name] for name in CHOICES if os.environ.get(name)},
        "outcomes": {**run.outcomes, **dict.fromkeys(flaky, "flaky")},
    }
    OUTCOMES.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments; returns the exit status."""
    started = time.monotonic()
    # The terminal sends Ctrl-C to pytest too, which needs its time to take the lab down.
    signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    keep(())
    with tempfile.TemporaryDirectory(prefix="second-chance-") as made:
        first = run_pytest(("-p", "tests.crashes", *arguments), Path(made) / "first")
        if first.passed:
            keep_outcomes(first, ())
            return 0
        ended = _second(first, Path(made))
    keep_outcomes(ended, set(first.failed) - set(ended.failed))
    _say(closing_line(ended, time.monotonic() - started, _width()))
    return 0 if ended.passed else 1


def _second(first: Run, folder: Path) -> Run:
    """The result of the run, with the second chance if there is one."""
    verdict = decide(first)
    if isinstance(verdict, Over):
        _say("", f"no second chance: {verdict.reason}")
        return first
    ended = joined(first, run_again(verdict.names, folder))
    flaky = [name for name in verdict.names if ended.outcomes[name] == "passed"]
    keep(flaky)
    _say(*(f"failed twice: {name}" for name in ended.failed), *(f"flaky: {name}" for name in flaky))
    return ended


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _width() -> int:
    return shutil.get_terminal_size().columns


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
