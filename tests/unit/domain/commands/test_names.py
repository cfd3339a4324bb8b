"""Services and jobs are found by what people type."""

import pytest

from bot.domain.commands.names import (
    NotFound,
    WholeStack,
    alike,
    is_service_name,
    is_typed_service,
    job_id,
    resolve,
    resolve_any,
    short_name,
    typed_name,
)
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
        ("orochi/Redis", "orochi/redis"),
        ambiguous=True,
        known=("Redis", "django", "redis", "worker01", "worker02"),
        stack="orochi",
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


def test_a_service_without_a_stack_and_one_of_the_stack_are_both_listed():
    alone, own = service("worker01", stack=""), service("orochi_worker01")

    found = resolve("worker01", "orochi", (alone, own))

    assert isinstance(found, NotFound)
    assert (found.suggestions, found.ambiguous) == (("orochi/worker01", "/worker01"), True)
    assert resolve("/worker01", "orochi", (alone, own)) == alone
    assert resolve("orochi_worker01", "orochi", (alone, own)) == own
    assert resolve("orochi/worker01", "orochi", (alone, own)) == own
    assert resolve("worker01", "", (alone, own)) == alone
    assert resolve("worker01", "orochi", (alone,)) == alone


@pytest.mark.parametrize("other", [service("shop_web", "shop"), service("orochi_web")])
def test_a_full_name_that_is_a_short_one_of_the_stack_fits_both(other: Service):
    """Changing another stack's service would be a guess; each listed form means one of them."""
    own = service(f"orochi_{other.name}")
    found = resolve(other.name, "orochi", (other, own))

    assert isinstance(found, NotFound)
    assert found.ambiguous
    listed = [resolve(form, "orochi", (other, own)) for form in found.suggestions]
    assert listed == [own, other]


def test_a_suggestion_means_the_service_that_it_was_made_for():
    own = (service("orochi_shop_web"), service("orochi_proxy"))
    services = (*own, service("shop_web", "shop"), service("proxy", ""))

    for typed in ("shop_wbe", "proxi"):
        found = resolve(typed, "orochi", services)
        assert isinstance(found, NotFound)
        meant = [resolve(form, "orochi", services) for form in found.suggestions]
        assert len(set(found.suggestions)) == len(meant) == 2
        assert all(isinstance(each, Service) for each in meant)
        assert len({each.name for each in meant if isinstance(each, Service)}) == 2


SHOPS = (
    service("shop_web", "shop"),
    service("shop_api", "shop"),
    service("blog_web", "blog"),
    service("orochi_django"),
    service("proxy", ""),
)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("shop/web", "shop_web"),
        ("shop/shop_web", "shop_web"),
        ("SHOP/Web", "shop_web"),
        ("shop_web", "shop_web"),
        ("orochi/django", "orochi_django"),
        ("proxy", "proxy"),
        ("/proxy", "proxy"),
    ],
)
def test_a_service_of_any_stack_is_found(typed: str, name: str):
    found = resolve(typed, "orochi", SHOPS)

    assert isinstance(found, Service)
    assert found.name == name
    assert resolve(typed_name(found, "orochi"), "orochi", SHOPS) == found


@pytest.mark.parametrize(
    ("typed", "suggestions"),
    [
        ("web", ("shop/web", "blog/web")),
        ("shop/wbe", ("shop/web",)),
        ("shp/web", ("shop/web",)),
        ("shop_wbe", ("shop/web",)),
        ("djngo", ("django",)),
        ("prxy", ("proxy",)),
        ("nothing", ()),
    ],
)
def test_what_is_not_found_is_never_guessed(typed: str, suggestions: tuple[str, ...]):
    found = resolve(typed, "orochi", SHOPS)

    assert isinstance(found, NotFound)
    assert (found.suggestions, found.ambiguous) == (suggestions, False)


@pytest.mark.parametrize(
    ("typed", "stack"),
    [("shop", "shop"), ("shop/", "shop"), ("Shop/", "shop"), ("old", "old"), ("old/", "old")],
)
def test_a_name_that_is_no_services_may_be_a_stacks(typed: str, stack: str):
    assert resolve_any(typed, "orochi", SHOPS, ["old"]) == WholeStack(stack)


def test_a_service_of_the_channels_stack_comes_before_a_stack_of_its_name():
    shop = service("orochi_shop")
    services = (*SHOPS, shop)

    assert resolve_any("shop", "orochi", services) == shop
    assert resolve_any("shop/", "orochi", services) == WholeStack("shop")


def test_a_stack_and_a_service_without_one_of_the_same_name_are_both_listed():
    alone = service("shop", "")
    found = resolve_any("shop", "orochi", (*SHOPS, alone))

    assert isinstance(found, NotFound)
    assert (found.suggestions, found.ambiguous) == (("/shop", "shop/"), True)
    assert resolve_any("/shop", "orochi", (*SHOPS, alone)) == alone


@pytest.mark.parametrize("typed", ["sho/", "nothing/", "sho", "nothing"])
def test_a_stack_that_is_not_there(typed: str):
    found = resolve_any(typed, "orochi", SHOPS)

    assert isinstance(found, NotFound)
    assert found.suggestions == (("shop/",) if typed.startswith("sho") else ())


def test_a_stack_named_like_a_service_of_another_one():
    both = (service("a_b", "a"), service("a_b_web", "a_b"))
    found = resolve_any("a_b", "orochi", both)

    assert isinstance(found, NotFound)
    assert (found.suggestions, found.ambiguous) == (("a/b", "a_b/"), True)


def test_an_empty_stack_has_no_suggestions():
    assert resolve("worker01", "orochi", ()) == NotFound("worker01", stack="orochi")


@pytest.mark.parametrize("name", ["web", "shop/web", "/web", "shop_web"])
def test_forms_in_which_services_are_typed(name: str):
    assert is_typed_service(name)


@pytest.mark.parametrize("name", ["", "/", "shop/", "a/b/c", "shop//web", "-a/web", "shop/we b"])
def test_forms_that_are_no_service(name: str):
    assert not is_typed_service(name)


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
