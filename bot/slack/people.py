"""What a person is to the bot's workspace: a member, a guest, or somebody from elsewhere."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Final

from bot.domain.commands.access import Person, Standing, Workspace, standing
from bot.domain.errors import ChatError, ChatUnavailableError
from bot.ports import Clock
from bot.slack.api import SlackApi
from bot.slack.errors import UnknownPersonError

log = logging.getLogger(__name__)

KNOWN_FOR: Final = 600.0
"""Seconds after which Slack is asked again, because a member may have become a guest."""
KEPT: Final = 5_000


class People:
    """Asks ``users.info``, and remembers the answers for some minutes."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        self._reported = False

    async def standing(self, user: str, team: str = "", *, guests: bool = True) -> Standing:
        """What a person is to the bot's workspace. ``team`` is theirs in the request, if given.

        Somebody of another workspace is recognized without asking Slack, unless the workspace
        belongs to an organization. Without ``guests``, nobody of the workspace is asked for: guests
        count as members. Raises ChatUnavailableError if Slack does not answer and the person is not
        known yet.
        """
        identity = self._api.identity
        if identity is None:
            raise ChatUnavailableError("The bot has not logged in to Slack yet.")
        workspace = Workspace(identity.team_id, identity.enterprise_id)
        if not workspace.enterprise and team not in ("", workspace.team):
            return Standing.OUTSIDER
        if team == workspace.team and not guests:
            return Standing.MEMBER
        try:
            person = await self._person(user)
        except UnknownPersonError as error:
            log.info("Slack does not show a person: %s", error)
            person = Person(stranger=team != workspace.team)
        return standing(person, workspace, team)

    async def _person(self, user: str) -> Person:
        since, person = self._known.get(user, (float("-inf"), Person()))
        if self._clock.now() - since < KNOWN_FOR:
            return person
        try:
            answer = await self._api.call("users.info", user=user)
        except ChatUnavailableError:
            if user in self._known:
                return person
            raise
        except UnknownPersonError:
            raise
        except ChatError as error:
            self._report(error)
            return Person()
        return self._remember(user, person_of(answer.get("user") or {}))

    def _remember(self, user: str, person: Person) -> Person:
        self._known[user] = (self._clock.now(), person)
        self._known.move_to_end(user)
        if len(self._known) > KEPT:
            _ = self._known.popitem(last=False)
        return person

    def _report(self, error: ChatError) -> None:
        """Log once that Slack will not say who is a guest: then nobody counts as one."""
        if not self._reported:
            self._reported = True
            log.warning("Guests cannot be told from members: %s %s", error, error.hint)


def person_of(shown: dict[str, Any]) -> Person:
    """A person from Slack's user object (https://docs.slack.dev/reference/objects/user-object)."""
    organization = shown.get("enterprise_user") or {}
    return Person(
        team=str(shown.get("team_id") or ""),
        enterprise=str(organization.get("enterprise_id") or ""),
        guest=bool(shown.get("is_restricted") or shown.get("is_ultra_restricted")),
        stranger=bool(shown.get("is_stranger")),
    )
