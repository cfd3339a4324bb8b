"""The people of the demo's workspace, and its first message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playground.page import TRY
from playground.slack import Content, Json, Workspace

ANN: Final = "U0ANN00001"
BOB: Final = "U0BOB00001"
CLEO: Final = "U0CLEO0001"
DAN: Final = "U0DAN00001"
OPERATORS: Final = frozenset({ANN, CLEO})
HOST: Final = "U0HOST0001"
"""Who speaks for the demo itself."""
SWARM: Final = "C0SWARM001"
ALERTS: Final = "C0ALERTS01"


@dataclass(frozen=True, slots=True)
class Try:
    """One thing to try: a button's label, and the text that it types after the command's name."""

    label: str
    text: str


def furnished() -> Workspace:
    """Two operators, a viewer and a guest; the bot is in #swarm and #alerts, not in #lounge."""
    workspace = Workspace.furnished()
    workspace.add_user("playground", id=HOST, real_name="Playground", is_bot=True)
    workspace.add_user("cleo", id=CLEO)
    workspace.add_user("dan", id=DAN, is_guest=True)
    for channel in workspace.channels.values():
        channel.members.add(CLEO)
    workspace.channels[SWARM].members.add(DAN)
    return workspace


def welcome(workspace: Workspace, command: str, tries: Sequence[Try], *, broken: str) -> None:
    """Post the first message of #swarm: what this is, what is broken, and buttons to try."""
    trouble = f" {broken}" if broken else ""
    text = (
        f"*Try the bot.* Everything here runs on this machine.{trouble} "
        f"Press a button, or type `{command}` below."
    )
    buttons: list[Json] = [
        {
            "type": "button",
            "action_id": f"{TRY}.{number}",
            "text": {"type": "plain_text", "text": each.label, "emoji": True},
            "value": f"{command} {each.text}",
        }
        for number, each in enumerate(tries)
    ]
    blocks: tuple[Json, ...] = (
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
        {"type": "actions", "elements": buttons},
    )
    workspace.post(SWARM, Content(text, blocks), user=HOST)
