"""Services and jobs are found by what people type."""

import pytest

from bot.domain.commands.names import NotFound, alike, is_service_name, job_id, resolve, short_name
from bot.domain.swarm.model import Mode, Service


def service(name, stack="orochi"):
    return Service(f"id-{name}", name, 1, Mode.REPLICATED, 1, stack=stack)


SERVICES = tuple(
    service(f"orochi_{name}") for name in ("django", "worker01", "worker02", "Redis", "redis")
)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("worker01", "orochi_worker01"),
        ("orochi_worker01", "orochi_worker01"),
        ("WORKER01", "orochi_worker01"),
        ("Orochi_Worker01", "orochi_worker01"),
        ("redis", "orochi_redis"),
        ("Redis", "orochi_Redis"),
    ],
)
def test_a_service_is_found_by_its_short_or_full_name(typed, name):
    found = resolve(typed, "orochi", SERVICES)

    assert isinstance(found, Service)
    assert found.name == name


def test_a_name_that_matches_two_services_except_for_case_is_ambiguous():
    assert resolve("REDIS", "orochi", SERVICES) == NotFound(
        "REDIS",
        ("orochi_Redis", "orochi_redis"),
        ambiguous=True,
        known=("Redis", "django", "redis", "worker01", "worker02"),
    )


def test_similar_names_are_suggested_once_by_their_short_name():
    found = resolve("orochi_workr01", "orochi", SERVICES)

    assert isinstance(found, NotFound)
    assert found.suggestions == ("worker01", "worker02")
    assert not found.ambiguous


@pytest.mark.parametrize("typed", ["zzz", "orochi", "nope"])
def test_nothing_is_suggested_without_a_similar_name(typed):
    """The stack's own name is like the full name of each service, and no service's name."""
    found = resolve(typed, "orochi", (*SERVICES, service("orochi_db"), service("orochi_loop")))

    assert isinstance(found, NotFound)
    assert found.suggestions == ()


def test_a_full_name_wins_over_a_short_one():
    services = (service("worker01", stack=""), service("orochi_worker01"))

    assert resolve("worker01", "orochi", services) == services[0]
    assert resolve("orochi_worker01", "orochi", services) == services[1]


def test_services_of_another_stack_need_their_full_names():
    other = (service("shop_web", stack="shop"),)

    assert isinstance(resolve("web", "orochi", other), NotFound)
    assert resolve("shop_web", "orochi", other) == other[0]


def test_an_empty_stack_has_no_suggestions():
    assert resolve("worker01", "orochi", ()) == NotFound("worker01")


@pytest.mark.parametrize("name", ["a", "5", "worker01", "A-b_c", "x" * 63])
def test_names_that_docker_accepts(name):
    assert is_service_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "_a", "a.b", "a b", "é", "x" * 64, "a\n"])
def test_names_that_docker_refuses(name):
    assert not is_service_name(name)


@pytest.mark.parametrize("typed", ["k3f9ab", "K3F9AB", "#k3f9ab", " k3f9ab "])
def test_a_job_id_is_read_however_it_is_typed(typed):
    assert job_id(typed) == "k3f9ab"


@pytest.mark.parametrize("typed", ["", "k3f9a", "k3f9abc", "k3f9a1", "k3f9ao", "k3 9ab"])
def test_other_text_is_not_a_job_id(typed):
    assert job_id(typed) == ""


def test_a_short_name_lacks_only_the_prefix_of_its_own_stack():
    assert short_name("orochi", "orochi_web") == "web"
    assert short_name("orochi", "shop_web") == "shop_web"
    assert short_name("", "web") == "web"


def test_similar_words_are_listed_best_first_in_their_own_case():
    assert alike("WORKER1", ["Worker01", "worker11", "django"])[0] in {"Worker01", "worker11"}
