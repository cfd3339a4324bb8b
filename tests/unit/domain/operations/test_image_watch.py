"""Which newer images are told, and when they are rolled out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.jobs.deploy_plan import Plan, PlanAction, ServiceChange
from bot.domain.jobs.model import Job, Target
from bot.domain.operations.image_change import DIGITS
from bot.domain.operations.image_list import ServiceImage, Standing
from bot.domain.operations.image_watch import (
    WATCH_LABEL,
    WINDOW_LABEL,
    Wish,
    due,
    label_flaws,
    read_window,
    tried,
    wish_of,
)
from bot.domain.swarm.model import Mode, Service

SATURDAY = datetime(2026, 11, 28, 3, 0, tzinfo=UTC).timestamp()
"""03:00 in UTC."""


def a_service(watch: str = "", window: str = "") -> Service:
    labels = {WATCH_LABEL: watch, WINDOW_LABEL: window}
    kept = {name: value for name, value in labels.items() if value}
    return Service("s", "orochi_web", 1, Mode.REPLICATED, 2, stack="orochi", labels=kept)


def a_row(service: Service, standing: Standing = Standing.NEWER) -> ServiceImage:
    return ServiceImage(service, "reg/web:1", "aaaa", 0.0, standing, newest="bbbb")


@pytest.mark.parametrize(
    ("text", "hours", "inside"),
    [
        ("", 0, True),
        ("02:00-04:00", 0, True),
        ("02:00-04:00", 1, False),
        ("sat 02:00-04:00", 0, True),
        ("sun 02:00-04:00", 0, False),
        ("SAT  03:00-24:00", 0, True),
        ("fri 22:00-04:00", 0, True),
        ("sat 22:00-04:00", 0, False),
        ("sat 22:00-04:00", 20, True),
        ("fri-sun 02:00-04:00", 0, True),
        ("sun-tue 02:00-04:00", 0, False),
        ("sun-tue 02:00-04:00", 48, True),
    ],
)
def test_a_window_is_in_utc_and_may_pass_midnight(text: str, hours: int, inside: bool):
    window = read_window(text)

    assert window is not None
    assert window.has(SATURDAY + hours * 3600) is inside


@pytest.mark.parametrize(
    "text",
    [
        "always",
        "2-4",
        "02:00",
        "25:00-26:00",
        "02:60-03:00",
        "noon 02:00-03:00",
        "02:00-02:00",
        "24:00-00:00",
    ],
)
def test_what_is_no_window_is_said(text: str):
    assert read_window(text) is None
    assert "not like `sat 02:00-04:00` (UTC)" in label_flaws(a_service("update", text))[0]


def test_a_label_that_asks_for_something_else_is_said():
    assert wish_of(a_service("Notify")) is Wish.NOTIFY
    assert wish_of(a_service("yes")) is None
    assert label_flaws(a_service("yes")) == (
        f"its label `{WATCH_LABEL}` is neither `notify` nor `update`",
    )
    assert label_flaws(a_service("update", "sat 02:00-04:00")) == ()


@pytest.mark.parametrize(
    ("service", "standing", "told", "wanted"),
    [
        (a_service("notify"), Standing.NEWER, (), [Wish.NOTIFY]),
        (a_service("notify"), Standing.NEWER, [("s", "aaaa")], [Wish.NOTIFY]),
        (a_service("notify"), Standing.NEWER, [("s", "bbbb")], []),
        (a_service("notify"), Standing.NEWEST, (), []),
        (a_service("notify"), Standing.UNKNOWN, (), []),
        (a_service(), Standing.NEWER, (), []),
        (a_service("update"), Standing.NEWER, (), [Wish.UPDATE]),
        (a_service("update", "03:00-04:00"), Standing.NEWER, (), [Wish.UPDATE]),
        (a_service("update", "04:00-05:00"), Standing.NEWER, (), []),
        (a_service("update", "whenever"), Standing.NEWER, (), []),
    ],
)
def test_each_new_digest_is_told_or_begun_once(
    service: Service, standing: Standing, told: list[tuple[str, str]], wanted: list[Wish]
):
    found = due([a_row(service, standing)], told, SATURDAY)

    assert [each.wish for each in found] == wanted


def test_a_service_in_trouble_is_told_of_but_not_updated():
    rows = [a_row(a_service("update")), a_row(a_service("notify"))]

    found = due(rows, (), SATURDAY, troubled={"s"})

    assert [each.wish for each in found] == [Wish.NOTIFY]


OLD, NEW = (f"reg/web:1@sha256:{digit * 64}" for digit in "ab")


def a_deploy(*, begun: bool) -> Job:
    """A deploy that sets a new image for one of two services."""
    services = (
        ServiceChange("orochi_web", PlanAction.UPDATE, id="s", image=NEW),
        ServiceChange("orochi_db", None, id="d", image=OLD),
    )
    target = Target("orochi_web", "s", 2, update_before=0.0 if begun else None)
    return Job(
        id="j", action="deploy", stack="orochi", targets=(target,), user="U1", channel="C1",
        text="deploy", created=SATURDAY, plan=Plan("orochi", (), services),
    )  # fmt: skip


def test_what_a_deploy_has_set_is_not_rolled_out_again():
    """The swarm may have rolled it back since."""
    assert tried([a_deploy(begun=True)]) == {("s", "b" * DIGITS)}
    assert tried([a_deploy(begun=False)]) == set()
