"""Which service a command in a thread is about."""

from __future__ import annotations

import pytest

from bot.domain.commands.parser import parse
from bot.domain.commands.thread_subject import (
    Lacks,
    Subject,
    completed,
    in_full,
    lacking,
    may_be_mistaken,
    mistake,
    named_service,
)
from bot.domain.commands.values import Defaults, Reply

DEFAULTS = Defaults(command="@orochi")
WEB = Subject(("shop_web",), "shop", job="k3f9ab")
BOTH = Subject(("shop_web", "shop_db"))
SHOP = Subject(("shop_web", "shop_db"), "shop", whole=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("logs", "logs shop_web"),
        ("logs --since 10m", "logs shop_web --since 10m"),
        ("logs .1 --lines 5", "logs shop_web.1 --lines 5"),
        ("LOGS", "LOGS shop_web"),
        ("restart", "restart shop_web"),
        ("resume", "resume shop_web"),
        ("status", "status shop_web"),
        ("ps", "ps shop_web"),
        ("rollback", "rollback shop_web"),
        ("scale 3", "scale shop_web 3"),
        ("update :2.1", "update shop_web :2.1"),
        ("update", "update shop_web"),
        ("update :2.1 --yes", "update shop_web :2.1 --yes"),
        ("update reg.example/app:2", "update shop_web reg.example/app:2"),
        ("run -- ls -l", "run shop_web -- ls -l"),
        ("ps --wide", "ps shop_web --wide"),
        ("rollback --yes", "rollback shop_web --yes"),
    ],
)
def test_a_command_without_a_name_is_about_the_threads_service(text, meant):
    assert lacking(text, DEFAULTS)
    assert completed(text, WEB, DEFAULTS) == meant


@pytest.mark.parametrize(
    "text",
    [
        "logs django",
        "logs django --lines 5",
        "restart django",
        "status django",
        "status --all",
        "ps shop/",
        "rollback shop/",
        "scale django 3",
        "scale 3 django",
        "scale django=3 web=2",
        "update --all portainer",
        "update django :2.1",
        "run django -- ls",
        "run ls",
        "restart web db",
        "nodes",
        "jobs",
        "deploy portainer --yes",
        "history portainer",
        "cancel m2n3pq",
        "remove",
        "incidents",
        "join worker",
        "thanks",
        "",
    ],
)
def test_any_other_command_stays_as_it_was_typed(text):
    assert lacking(text, DEFAULTS) is None
    assert completed(text, WEB, DEFAULTS) == text


@pytest.mark.parametrize("text", ["logs", "restart", "scale 3", "status", "rollback", "update :2"])
def test_of_several_services_none_is_guessed(text):
    found = completed(text, BOTH, DEFAULTS)

    assert isinstance(found, Reply)
    assert "`shop_web`, `shop_db`" in found.problem
    assert "`@orochi " in found.hint
    assert "shop_web" in found.hint


def test_a_long_list_of_services_is_counted():
    found = completed("logs", Subject(tuple(f"s{n}" for n in range(13))), DEFAULTS)

    assert isinstance(found, Reply)
    assert found.problem.endswith("`s9` and 3 more.")
    assert found.changes is False


@pytest.mark.parametrize("subject", [WEB, SHOP])
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("deploy", "deploy shop"),
        ("deploy --yes", "deploy shop --yes"),
        ("update --all", "update shop --all"),
        ("update --all --yes", "update shop --all --yes"),
        ("history", "history shop"),
        ("images", "images shop"),
        ("volumes", "volumes shop"),
    ],
)
def test_a_command_for_a_stack_is_about_that_of_the_thread(subject, text, meant):
    assert lacking(text, DEFAULTS) is Lacks.STACK
    assert completed(text, subject, DEFAULTS) == meant
    assert parse(meant, DEFAULTS) != parse(text, DEFAULTS)


def test_a_stack_that_is_not_known_is_not_guessed():
    found = completed("deploy --yes", Subject(("shop_web",)), DEFAULTS)

    assert found == Reply(
        "Which stack? That of `shop_web` is not known.",
        "Name it: `@orochi deploy STACK --yes`",
    )


def test_in_the_thread_of_a_job_or_a_plan_that_one_is_cancelled():
    assert completed("cancel", WEB, DEFAULTS) == "cancel k3f9ab"
    assert completed("cancel", Subject(("shop_web",), "shop"), DEFAULTS) == "cancel"


@pytest.mark.parametrize("name", ["status", "ps", "rollback"])
def test_in_a_deploys_thread_the_stack_is_meant(name):
    assert completed(name, SHOP, DEFAULTS) == f"{name} shop/"


def test_in_a_deploys_thread_a_command_for_a_service_still_needs_one():
    assert isinstance(completed("restart", SHOP, DEFAULTS), Reply)
    assert (
        completed("restart", Subject(("shop_web",), "shop", whole=True), DEFAULTS)
        == "restart shop_web"
    )


def test_a_thread_about_nothing_changes_nothing():
    assert completed("scale 3", Subject(), DEFAULTS) == "scale 3"


@pytest.mark.parametrize(
    "text", ["scale to 3", "restart --yes", "scale up", "update *", "logs --tail", "ps a b", "run"]
)
def test_examples_in_a_thread_name_its_service(text):
    found = mistake(text, WEB, DEFAULTS)

    assert isinstance(found, Reply)
    assert "worker01" not in found.text
    assert "django" not in found.text


def test_an_example_in_a_thread_is_the_whole_command():
    scaled = mistake("scale to 3", WEB, DEFAULTS)
    restarted = mistake("restart --yes", WEB, DEFAULTS)

    assert scaled is not None
    assert scaled.hint == "Did you mean `@orochi scale shop_web=3`?"
    assert restarted is not None
    assert restarted.hint == "Try: `@orochi restart shop_web`"
    assert mistake("restart --yes", BOTH, DEFAULTS) is None
    assert mistake("restart db", WEB, DEFAULTS) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [("logs 1", "logs shop_web.1"), ("update 2", "update shop_web :2")],
)
def test_a_number_in_a_thread_is_that_of_a_slot_or_a_tag(text, right):
    found = mistake(text, WEB, DEFAULTS)

    assert may_be_mistaken(text, DEFAULTS)
    assert found is not None
    assert found.hint == f"Did you mean `@orochi {right}`?"
    assert not may_be_mistaken("logs web", DEFAULTS)
    assert not may_be_mistaken("statsu", DEFAULTS)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("logs web", "logs shop_web"),
        ("logs web.2 --lines 5", "logs shop_web.2 --lines 5"),
        ("scale web=3", "scale shop_web=3"),
        ("restart django", "restart django"),
        ("logs web2", "logs web2"),
        ("history web", "history web"),
    ],
)
def test_a_short_name_that_is_the_threads_is_of_its_stack(text, meant):
    subject = Subject(("shop_web",), "shop")
    assert (in_full(text, subject) if named_service(text) else text) == meant
