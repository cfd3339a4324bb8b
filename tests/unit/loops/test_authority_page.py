"""The page on authority has the states of a lease as the code goes through them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.loops.lease import RENEWALS_A_LEASE, Lease
from bot.store.keys import StoreLimits

PAGE: Final = (Path(__file__).parents[3] / "docs/decisions/0004-authority.md").read_text("utf-8")
SECONDS: Final = 3.0
Row = tuple[str, str, bool]
"""A state, the next one, and whether the replica acts then."""


class Replica:
    """A lease and its time; a renewal has the next answer and takes a third of the lease."""

    def __init__(self) -> None:
        self.at = 100.0
        self.answers: list[Exception | None] = []
        self.lease = Lease(self.at + SECONDS, self.now)
        self.state = "held"

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    async def renew(self) -> None:
        if not self.answers:
            raise InterruptedError
        if error := self.answers.pop(0):
            raise error

    async def keep(self, *answers: Exception | None) -> None:
        """Renew the lease with these answers of the store."""
        self.answers = list(answers)
        with pytest.raises((InterruptedError, LeaseLostError)) as caught:
            await self.lease.keep(self.renew, SECONDS, self)
        if caught.type is LeaseLostError:
            self.state = "lost"
        elif self.state in {"held", "lapsed"} or self.lease.holds():
            self.state = "held" if self.lease.holds() else "lapsed"

    async def renewed(self) -> None:
        await self.keep(None)

    async def unanswered(self) -> None:
        await self.keep(*[StoreUnavailableError("away")] * RENEWALS_A_LEASE)

    async def refused(self) -> None:
        await self.keep(LeaseLostError("Another replica has it."))

    async def ended(self) -> None:
        self.lease.end()
        self.state = "ended"


Event = Callable[[Replica], Awaitable[None]]
EVENTS: Final[tuple[Event, ...]] = (
    Replica.renewed,
    Replica.unanswered,
    Replica.refused,
    Replica.ended,
)
WAYS: Final[dict[str, tuple[Event, ...]]] = {
    "held": (),
    "lapsed": (Replica.unanswered,),
    "lost": (Replica.refused,),
    "ended": (Replica.ended,),
}


async def gone_through() -> set[Row]:
    """What each event makes of each state; a state without effect is left out, except a renewal."""
    rows = set()
    for state, way in WAYS.items():
        for event in EVENTS if state in {"held", "lapsed"} else EVENTS[:2]:
            replica = Replica()
            for step in way:
                await step(replica)
            assert replica.state == state
            await event(replica)
            if replica.state != state or (event is Replica.renewed and state == "held"):
                rows.add((state, replica.state, replica.lease.holds()))
    return rows


def table(title: str) -> list[list[str]]:
    """The cells of the rows of a table of the page, by the first column's title."""
    rows = PAGE.partition(f"| {title} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.strip("| ").split(" | ") for row in rows]


async def test_the_states_of_a_lease_are_those_of_the_page() -> None:
    written = {
        (state, after, acts.startswith("yes"))
        for before, after, _, acts in table("state")
        for state in before.split(", ")
    }

    assert written == await gone_through()


def test_the_lengths_of_leases_are_those_of_the_page() -> None:
    rights = table("right")

    assert {renewed for *_, renewed in rights if "never" not in renewed} == {"a third of the lease"}
    assert RENEWALS_A_LEASE == 3
    seconds = {found[1] for _, lease, *_ in rights if (found := re.fullmatch(r"(\d+) s", lease))}
    assert seconds == {str(StoreLimits().claim_seconds)}
