"""The bot token's scopes and the reason for each. ``slack-manifest.yml`` has the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

REASONS: Final = {
    "commands": "the slash command",
    "chat:write": "a job's message, its edits, and answers to one person alone",
    "app_mentions:read": "commands that begin with the bot's name",
    "files:write": "long logs and pictures come as files",
    "im:write": "to the person who asked, in their conversation with the bot",
    "usergroups:read": "operators may be named as a user group",
    "channels:history": "to find a job's message after a lost answer, and what a thread is about",
    "groups:history": "in private channels, to find a job's message and what a thread is about",
    "im:history": "commands typed to the bot alone, and verdicts that went to a person",
    "users:read": "people of other workspaces and guests are told from members",
    "channels:read": "a warning if the alerts channel is shared with another organization",
    "groups:read": "a warning if a private alerts channel is shared with another organization",
}
NEEDED: Final = frozenset(REASONS)
REINSTALL: Final = "Reinstall the app from slack-manifest.yml."


def lacking(scopes: frozenset[str]) -> list[str]:
    """The needed scopes that a token lacks; none if Slack did not report its scopes."""
    return sorted(NEEDED - scopes) if scopes else []


def explained(missing: Iterable[str]) -> str:
    """Scopes with what does not work without them."""
    return ", ".join(f"{scope} ({REASONS[scope]})" for scope in missing)
