"""Permissions: operators may change things, everyone else may only view."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

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


def may_change(user: str, operators: Operators, group_members: Collection[str] = ()) -> bool:
    """Whether ``user`` is an operator.

    ``group_members`` are the user ids in ``operators.groups``, fetched by the caller. Without them,
    only users who are listed individually count.
    """
    if not user:
        return False
    return operators.everyone or user in operators.users or user in group_members


def needs_groups(user: str, operators: Operators) -> bool:
    """Whether the user groups' members are needed to decide if ``user`` may change things."""
    return bool(operators.groups) and not may_change(user, operators)
