"""``/invite @orochi``: Slack's own command, with which people add the app to a channel."""

from __future__ import annotations

from typing import Final

from playground.slack import BOT_USER_ID, Workspace

COMMAND: Final = "/invite"


def invite(workspace: Workspace, channel: str, by: str, name: str) -> str:
    """Add the app to a channel; returns why that cannot be done, else ""."""
    bot, place = workspace.bot, workspace.channels[channel]
    if name.removeprefix("@").lower() not in {bot.name, bot.real_name.lower()}:
        return f"Only the bot can be added here. Try {COMMAND} @{bot.name}."
    if place.is_direct:
        return "Nobody can be added to a direct conversation."
    if BOT_USER_ID in place.members:
        return f"{bot.real_name} is already in #{place.name}."
    place.members.add(BOT_USER_ID)
    workspace.say(by, channel, f"added {bot.real_name} to #{place.name}.")
    return ""
