"""Who gets an answer: people of the workspace, guests if allowed, nobody from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands.access import Operators, Standing
from bot.domain.text.message import Message
from bot.ports import Request
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import Background
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger, sharing_warning
from bot.slack.requests import command_request, press_request
from handlers.boundary import NOT_FOR_GUESTS, NOT_KNOWN, NOT_OURS, Boundary
from playground.slack import SlackEmulator
from tests.contract.job_kit import audit_tail
from tests.contract.slack_side import ANN, SWARM, FastClock, a_button, a_message

HERE, ELSEWHERE = "T0EMULATE1", "T0OTHER001"
ORGANIZATION = "E0HOME0001"


@asynccontextmanager
async def logged_in(slack: SlackEmulator, clock: Any = None) -> AsyncIterator[Messenger]:
    """The adapter after its login."""
    clock = clock or SystemClock()
    api = SlackApi(slack.tokens.bot, clock, slack.base_url)
    messenger = Messenger(api, clock)
    messenger.start()
    try:
        await api.login()
        yield messenger
    finally:
        await messenger.close()


async def answer_to(
    messenger: Messenger, jobs: Any, request: Request, *, operators: str = "", guests: bool = False
) -> tuple[str, Request | None]:
    """The text that a person gets, and the request if it was passed on."""
    passed: list[Request] = []

    async def receive(admitted: Request) -> Message:
        passed.append(admitted)
        return Message("an answer")

    background = Background()
    ctx: Any = SimpleNamespace(chat=messenger, jobs=jobs, background=background)
    boundary = Boundary(ctx, Operators.parse(operators), guests=guests)
    said = await boundary.within(receive)(request)
    await background.drain(5.0)
    return (said.text if said else ""), (passed[0] if passed else None)


def typed(user: str, team: str = HERE) -> Request:
    """A slash command."""
    return Request("key", user, SWARM, "logs web", team=team)


async def test_a_person_of_the_workspace_is_answered(jobs):
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        said, passed = await answer_to(messenger, jobs, typed(ANN))

    assert (said, passed and passed.guest) == ("an answer", False)


@pytest.mark.parametrize("operators", ["", "*", "U0EVE00001"])
async def test_a_person_of_another_workspace_gets_nothing_but_a_refusal(jobs, operators):
    """Not even as an operator; the refusal is in the audit log."""
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        eve = slack.workspace.add_user("eve", team=ELSEWHERE).id
        request = typed(eve, ELSEWHERE)
        said, passed = await answer_to(messenger, jobs, request, operators=operators, guests=True)
        (entry,) = await audit_tail(jobs, 1, refused=True)

    assert NOT_OURS in said
    assert passed is None
    assert (entry["who"], entry["why"]) == (eve, f"outsider (team {ELSEWHERE})")


async def test_the_payloads_of_a_stranger_name_their_own_workspace():
    """In a button press it is the user's team that counts, not the app's."""
    async with SlackEmulator() as slack:
        eve = slack.workspace.add_user("eve", team=ELSEWHERE).id
        slack.workspace.channels[SWARM].members.add(eve)
        async with logged_in(slack) as messenger:
            ts = await messenger.post(SWARM, a_button())
        message = slack.workspace.messages[(SWARM, ts)]
        pressed = await slack.press(message, "job.cancel", user=eve, via="socket")
        command = await slack.command("/orochi", "status", user=eve, via="socket")

    assert pressed.payload["team"]["id"] == HERE
    assert press_request(pressed.payload).team == ELSEWHERE
    assert command_request(command.payload).team == ELSEWHERE


@pytest.mark.parametrize(
    ("enterprise", "standing"),
    [(ORGANIZATION, Standing.MEMBER), ("E0OTHER001", Standing.OUTSIDER), ("", Standing.OUTSIDER)],
)
async def test_another_workspace_of_the_same_organization_belongs_to_it(enterprise, standing):
    async with SlackEmulator() as slack:
        slack.workspace.enterprise = ORGANIZATION
        sister = slack.workspace.add_user("sis", team="T0SISTER01", enterprise=enterprise).id
        async with logged_in(slack) as messenger:
            assert await messenger.standing(sister, "T0SISTER01") is standing


async def test_a_person_whose_request_has_no_team_is_looked_up():
    """An opened Home tab names the person alone."""
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        eve = slack.workspace.add_user("eve", team=ELSEWHERE).id
        assert await messenger.standing(eve) is Standing.OUTSIDER
        assert await messenger.standing("U0NOBODY01") is Standing.OUTSIDER
        assert await messenger.standing(ANN) is Standing.MEMBER


@pytest.mark.parametrize(
    ("operators", "guests", "is_answered"),
    [("", False, False), ("*", False, False), ("", True, True), ("U0GUS00001", False, True)],
)
async def test_guests_look_only_if_a_setting_says_so(jobs, operators, guests, is_answered):
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        gus = slack.workspace.add_user("gus", is_guest=True).id
        said, passed = await answer_to(
            messenger, jobs, typed(gus), operators=operators, guests=guests
        )

    assert (NOT_FOR_GUESTS in said) is not is_answered
    assert (passed is not None) is is_answered
    if guests and passed:
        assert passed.guest


async def test_people_are_asked_for_once_and_known_while_slack_is_away(jobs):
    clock = FastClock(1)
    async with SlackEmulator() as slack, logged_in(slack, clock) as messenger:
        await messenger.standing(ANN, HERE)
        await messenger.standing(ANN, HERE)
        assert len(slack.calls_of("users.info")) == 1
        slack.faults.status("users.info", 503)
        said, passed = await answer_to(messenger, jobs, typed("U0BOB00001"))
        assert NOT_KNOWN in said
        assert passed is None
        assert (await answer_to(messenger, jobs, typed(ANN)))[0] == "an answer"


async def test_without_the_scope_members_are_still_answered(jobs, caplog):
    """An app that was installed before has no users:read: the log says what is missing, once."""
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        slack.tokens.scopes = slack.tokens.scopes - {"users:read"}
        assert (await answer_to(messenger, jobs, typed(ANN)))[0] == "an answer"
        assert (await answer_to(messenger, jobs, typed(ANN)))[0] == "an answer"

    assert caplog.text.count("lacks the scope users:read") == 1


async def test_a_shared_alerts_channel_is_warned_of():
    async with SlackEmulator() as slack, logged_in(slack) as messenger:
        assert await sharing_warning(messenger, SWARM) == ""
        slack.workspace.channels[SWARM].is_ext_shared = True
        assert "shared with another organization" in await sharing_warning(messenger, SWARM)
        slack.tokens.scopes = slack.tokens.scopes - {"channels:read", "groups:read", "im:read"}
        assert "not known" in await sharing_warning(messenger, SWARM)
        await messenger.post(SWARM, a_message())
