"""A name that is no service's is refused with what it is instead."""

from __future__ import annotations

import pytest

from bot.domain.errors import RefusedError
from bot.domain.swarm.model import Mode, Node, Service
from bot.jobs import service_lookup
from tests.messages.sample import context, port

SERVICES = (Service("s1", "orochi_web", 1, Mode.REPLICATED, 1, stack="orochi"),)
NODES = (Node("n1", "photon-machine-01"), Node("n2", "photon-machine-02"))


@pytest.mark.parametrize(
    ("typed", "sentence", "hint"),
    [
        ("m-02", "`m-02` is a node, not a service.", "To see the nodes: `/orochi nodes`"),
        ("photon-machine-01", "`photon-machine-01` is a node, not a service.", "/orochi nodes"),
        ("wbe", "There is no service `wbe` in the stack `orochi`.", "Did you mean `web`?"),
        ("orochi", "There is no service `orochi` in the stack `orochi`.", "Services: `web`."),
    ],
)
async def test_a_name_that_is_no_service(typed: str, sentence: str, hint: str) -> None:
    ctx = context(
        looks=port(services=SERVICES), swarm=port(services=SERVICES, nodes=NODES), stack="orochi"
    )

    with pytest.raises(RefusedError) as caught:
        await service_lookup.typed(ctx, typed)

    assert caught.value.sentence == sentence
    assert hint in caught.value.hint
