"""The table of `docs/compatibility.md`: which tests ran on which engine, with what result.

Every run leaves `artefacts/outcomes.json` (see `tests.second_chance`). `python -m
tests.compatibility FILE…` puts such files into the table, each in place of former runs on the same
engine of as many test files at most.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from tests.lab import engines

PAGE: Final = Path(__file__).parents[1] / "docs" / "compatibility.md"
SWARM: Final = "tests/swarm/"
LOWEST: Final = "DOCKER_MIN_API_VERSION"
HEAD: Final = """\
| engine | lowest API allowed | image store | files | tests | second try | failed | date |
|---|---|---|---|---|---|---|---|
"""
_DEFAULT: Final = "the engine's own"


@dataclass(frozen=True, slots=True)
class Record:
    """One run of tests on a real swarm.

    ``lowest`` is `DOCKER_MIN_API_VERSION` ("" if it is not set), ``files`` the number of test
    files. ``tests`` has those that passed or failed, ``flaky`` those that passed at a second try.
    """

    engine: str
    lowest: str
    store: str
    files: int
    tests: int
    flaky: int
    failed: int
    date: str

    @property
    def place(self) -> tuple[tuple[int, ...], str, str, int]:
        """Its place in the table."""
        numbers = tuple(int(part) for part in self.engine.split("."))
        return numbers, self.store, self.lowest, self.files

    def replaces(self, former: Record) -> bool:
        """Whether the former run is of no interest any more: it was of as many files at most."""
        return self.place[:-1] == former.place[:-1] and self.files >= former.files

    def row(self) -> str:
        """Its row of the table."""
        cells = (
            *(self.engine, self.lowest or _DEFAULT, self.store, self.files),
            *(self.tests, self.flaky, self.failed, self.date),
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def read_row(row: str) -> Record:
    """A row of the table as a record."""
    engine, lowest, store, files, tests, flaky, failed, date = row.strip("| \n").split(" | ")
    lowest = "" if lowest == _DEFAULT else lowest
    return Record(engine, lowest, store, int(files), int(tests), int(flaky), int(failed), date)


def record_of(run: Mapping[str, Any], engine: str, store: str) -> Record:
    """What a run's file says about the tests on a real swarm."""
    ran = {
        name: word
        for name, word in run["outcomes"].items()
        if name.startswith(SWARM) and word in {"passed", "flaky", "failed"}
    }
    counts = Counter(ran.values())
    return Record(
        engine=engine,
        lowest=run["environment"].get(LOWEST, ""),
        store=store,
        files=len({name.partition("::")[0] for name in ran}),
        tests=len(ran),
        flaky=counts["flaky"],
        failed=counts["failed"],
        date=run["date"],
    )


def rows_of(page: str) -> list[str]:
    """The rows of the page's table."""
    lines = page.partition(HEAD)[2].splitlines()
    return list(takewhile(lambda line: line.startswith("|"), lines))


def with_record(page: str, record: Record) -> str:
    """The page with a record in its table."""
    former = rows_of(page)
    stay = [each for each in map(read_row, former) if not record.replaces(each)]
    before, _, rest = page.partition(HEAD)
    after = rest.splitlines(keepends=True)[len(former) :]
    ordered = sorted([*stay, record], key=lambda each: each.place)
    rows = "".join(f"{each.row()}\n" for each in ordered)
    return f"{before}{HEAD}{rows}{''.join(after)}"


def main(names: list[str]) -> None:
    """Put the files of runs into the page."""
    for name in names:
        run = json.loads(Path(name).read_text(encoding="utf-8"))
        for variable in (engines.CHOICE, engines.STORE):
            os.environ[variable] = run["environment"].get(variable, "")
        engines.chosen.cache_clear()
        record = record_of(run, engines.chosen().version, engines.image_store())
        text = with_record(PAGE.read_text(encoding="utf-8"), record)
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
