"""A name that is no service's is refused with what it is instead."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.commands.names import WholeStack
from bot.domain.errors import RefusedError, StoreUnavailableError
from bot.domain.swarm.model import Mode, Node, Service
from bot.jobs import service_lookup
from tests.messages.sample import context, port

SERVICES = (Service("s1", "orochi_web", 1, Mode.REPLICATED, 1, stack="orochi"),)
SHOP = Service("s2", "shop_web", 1, Mode.REPLICATED, 1, stack="shop")
NODES = (Node("n1", "photon-machine-01"), Node("n2", "photon-machine-02"))


@pytest.mark.parametrize(
    ("typed", "sentence", "hint"),
    [
        ("m-02", "`m-02` is a node, not a service.", "To see the nodes: `/orochi nodes`"),
        ("photon-machine-01", "`photon-machine-01` is a node, not a service.", "/orochi nodes"),
        ("02", "There is no service `02` in the stack `orochi`.", ""),
        ("wbe", "There is no service `wbe` in the stack `orochi`.", "Did you mean `web`?"),
        ("orochi", "`orochi` is a stack, not a service.", "Its services: `web`."),
        ("Shop", "`shop` is a stack, not a service.", "Its services: `shop/web`."),
        ("old", "`old` is a stack, not a service.", ""),
    ],
)
async def test_a_name_that_is_no_service(typed: str, sentence: str, hint: str) -> None:
    ctx = of_two_stacks(stacks=("old",))

    with pytest.raises(RefusedError) as caught:
        await service_lookup.typed(ctx, typed, "C1")

    assert caught.value.sentence == sentence
    assert hint in caught.value.hint


def of_two_stacks(**more: Any) -> Any:
    services = (*SERVICES, SHOP)
    swarm = port(services=services, nodes=NODES)
    return context(looks=port(services=services), swarm=swarm, versions=port(**more))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (None, WholeStack("orochi")),
        ("web", SERVICES[0]),
        ("shop/web", SHOP),
        ("shop", WholeStack("shop")),
        ("old/", WholeStack("old")),
    ],
)
async def test_what_a_name_is_about(typed: str | None, found: Service | WholeStack) -> None:
    assert await service_lookup.scope(of_two_stacks(stacks=("old",)), typed, "C1") == found


async def test_stacks_in_the_swarm_are_known_without_redis() -> None:
    ctx = of_two_stacks(stacks=StoreUnavailableError("Redis is away."))

    assert await service_lookup.scope(ctx, "shop/", "C1") == WholeStack("shop")


async def test_a_stack_is_refused_with_the_command_for_a_whole_stack() -> None:
    """Where there is one, as for a roll back."""
    with pytest.raises(RefusedError) as caught:
        await service_lookup.to_change(of_two_stacks(stacks=()), "shop", "C1", "rollback")

    assert caught.value.hint == (
        "For the whole stack: `/orochi rollback shop/`\nIts services: `shop/web`."
    )


async def test_a_stack_in_another_case_is_suggested() -> None:
    ctx = of_two_stacks(stacks=("old",))

    with pytest.raises(RefusedError) as caught:
        await service_lookup.check_stack(ctx, "sHop")
    await service_lookup.check_stack(ctx, "old")
    await service_lookup.check_stack(ctx, "nothing-like-it")

    assert caught.value.sentence == "There is no stack `sHop`."
    assert caught.value.hint == "Did you mean `shop/`?"
