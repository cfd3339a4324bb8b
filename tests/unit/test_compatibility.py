"""The table of engines is made from what the tests recorded."""

from __future__ import annotations

from dataclasses import replace

from tests.compatibility import HEAD, PAGE, SWARM, Record, read_row, record_of, rows_of, with_record
from tests.lab import engines

RECORD = Record("28.5.2", "1.44", "overlay2", 55, 482, 2, 0, "2026-11-29")


def test_a_row_is_read_as_it_was_written():
    assert read_row(RECORD.row()) == RECORD


def test_rows_are_sorted_by_version_and_a_later_run_replaces_those_of_no_more_files():
    part = replace(RECORD, files=9, date="2026-11-01")
    more = replace(RECORD, files=56, failed=1, date="2026-11-02")
    older = replace(RECORD, engine="9.5.0", files=9)
    other = replace(RECORD, store="containerd", files=9)
    page = f"# Engines\n\n{HEAD}{part.row()}\n{more.row()}\n\nMore.\n"
    for record in (RECORD, other, older):
        page = with_record(page, record)

    assert rows_of(page) == [each.row() for each in (older, other, RECORD, more)]
    assert page.endswith("\n\nMore.\n")


def test_a_run_is_counted_by_what_became_of_its_swarm_tests():
    run = {
        "date": "2026-11-29",
        "environment": {"DOCKER_MIN_API_VERSION": "1.44"},
        "outcomes": {
            f"{SWARM}test_a.py::test_one": "flaky",
            f"{SWARM}test_a.py::test_two[x::y]": "passed",
            f"{SWARM}test_b.py::test_three": "failed",
            f"{SWARM}test_c.py::test_four": "skipped",
            "tests/unit/test_d.py::test_five": "failed",
        },
    }

    assert record_of(run, "28.5.2", "containerd") == Record(
        "28.5.2", "1.44", "containerd", 2, 3, 1, 1, "2026-11-29"
    )


def test_the_page_has_a_run_without_failures_for_every_engine_of_the_lab():
    known = [read_row(row) for row in rows_of(PAGE.read_text(encoding="utf-8"))]

    assert all(record.failed == 0 for record in known)
    ran = {record.engine.rpartition(".")[0] for record in known}
    assert ran >= {"20.10", *engines.RELEASES}
