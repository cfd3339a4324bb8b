"""Permissions: operators may change things, everyone else of the workspace may only view.

People of other workspaces, as in a channel shared through Slack Connect, may do neither. Guests of
the workspace may view only if a setting allows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

EVERYONE = "*"

_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Operators:
    """The parsed value of the setting ``BOT_OPERATORS``.

    ``users`` are Slack user ids, ``groups`` user-group ids. ``invalid`` are the entries that are
    neither; they are reported at startup. If everything is empty, nobody may change anything.
    """

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    everyone: bool = False
    invalid: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Operators:
        """Parse a comma-separated list of ids; a bare ``*`` means everyone."""
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        users = frozenset(entry for entry in entries if _USER.fullmatch(entry))
        groups = frozenset(entry for entry in entries if _GROUP.fullmatch(entry))
        known = users | groups | {EVERYONE}
        invalid = tuple(entry for entry in entries if entry not in known)
        return cls(users, groups, EVERYONE in entries, invalid)

    @property
    def nobody(self) -> bool:
        """Whether nobody is allowed to change anything."""
        return not (self.everyone or self.users or self.groups)


class Standing(Enum):
    """What a person is to the bot's workspace."""

    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace of the bot's token. ``enterprise`` is its organization's id, "" for none."""

    team: str
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says of a person; "" and False where it says nothing.

    ``guest`` covers guests of one channel and of several. ``stranger`` is Slack's own mark for
    people of other organizations.
    """

    team: str = ""
    enterprise: str = ""
    guest: bool = False
    stranger: bool = False


def standing(person: Person, workspace: Workspace, team: str = "") -> Standing:
    """What a person is to ``workspace``. ``team`` is their team in the request, if it has one."""
    teams = {team, person.team} - {"", workspace.team}
    same_organization = bool(workspace.enterprise) and person.enterprise == workspace.enterprise
    if person.stranger or (teams and not same_organization):
        return Standing.OUTSIDER
    return Standing.GUEST if person.guest else Standing.MEMBER


def may_change(
    user: str,
    operators: Operators,
    group_members: Collection[str] = (),
    *,
    guest: bool = False,
) -> bool:
    """Whether ``user``, a person of the workspace, is an operator.

    ``group_members`` are the user ids in ``operators.groups``, fetched by the caller. Without them,
    only users who are listed individually count. A ``guest`` is not one of everyone.
    """
    if not user:
        return False
    everyone = operators.everyone and not guest
    return everyone or user in operators.users or user in group_members


def needs_groups(user: str, operators: Operators, *, guest: bool = False) -> bool:
    """Whether the user groups' members are needed to decide if ``user`` may change things."""
    return bool(operators.groups) and not may_change(user, operators, guest=guest)
