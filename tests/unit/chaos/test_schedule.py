"""What a seed draws."""

from __future__ import annotations

from collections import Counter

from tests.chaos.schedule import (
    ACTIVE_SECONDS,
    COMMANDS,
    LEASE_SECONDS,
    Action,
    Confirmed,
    Fault,
    draw,
)

MANY = range(300)


def test_a_seed_always_draws_the_same() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_every_fault_and_every_command_is_drawn() -> None:
    kinds = {event.what for seed in MANY for event in draw(seed).events}
    answers = {event.confirmed for seed in MANY for event in draw(seed).events}

    assert kinds == {*Fault, *Action}
    assert answers == set(Confirmed)


def test_each_seed_has_a_dozen_commands_some_faults_and_some_failures() -> None:
    for seed in MANY:
        kinds = Counter(_kind(event.what) for event in draw(seed).events)
        assert kinds["command"] == COMMANDS
        assert 3 <= kinds["fault"] <= 6
        assert 2 <= kinds["failure"] <= 5


def test_one_channel_stays_at_most_one_is_archived() -> None:
    assert max(draw(seed).drawn[Fault.ARCHIVE.value] for seed in MANY) == 1


def test_events_come_in_order_each_with_its_own_number() -> None:
    for seed in MANY:
        events = draw(seed).events
        assert list(events) == sorted(events, key=lambda each: each.at)
        assert len({event.number for event in events}) == len(events)
        assert all(0 <= event.at <= ACTIVE_SECONDS * 1.1 for event in events)


def test_a_bot_is_frozen_for_three_leases_at_most() -> None:
    frozen = [e for seed in MANY for e in draw(seed).events if e.what is Fault.FREEZE]

    assert max(event.seconds for event in frozen) <= 3 * LEASE_SECONDS


def test_only_earlier_commands_are_cancelled() -> None:
    for seed in MANY:
        events = draw(seed).events
        numbers = {event.number for event in events}
        cancels = [event for event in events if event.what is Action.CANCEL]
        assert all(event.earlier in numbers | {0} for event in cancels)
        assert all(event.earlier < event.number for event in cancels)


def _kind(what: Fault | Action) -> str:
    if isinstance(what, Fault):
        return "fault"
    return "failure" if what is Action.FAIL else "command"
