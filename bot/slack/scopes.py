"""The bot token's scopes and the reason for each. ``slack-manifest.yml`` has the same."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "commands": "the slash command",
    "chat:write": "a job's message, its edits, and answers to one person alone",
    "files:write": "long logs and pictures come as files",
    "im:write": "to the person who asked, in their conversation with the bot",
    "usergroups:read": "operators may be named as a user group",
    "channels:history": "after a lost answer, to find a job's message instead of posting it twice",
    "groups:history": "the same in private channels",
}
NEEDED: Final = frozenset(REASONS)
