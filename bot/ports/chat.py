"""The conversation. Methods may raise ``ChatError`` and its kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.domain.text.message import Message


@dataclass(frozen=True, slots=True)
class Request:
    """One slash command or button press as it came in.

    ``key`` is the same for repeated deliveries. ``text`` is what followed the command. For a
    press ``action_id`` and ``value`` are the button's, ``message`` the ts of its message.
    """

    key: str
    user: str
    channel: str
    text: str = ""
    reply_url: str = ""
    action_id: str = ""
    value: str = ""
    message: str = ""


Receive = Callable[[Request], Awaitable[Message | None]]
"""Takes a request in. What it returns is shown to the person alone, in the answer itself."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be shared: ``summary`` says what is in a picture, for who cannot see it; ``said``
    is the message beside it, escaped."""

    name: str
    title: str
    content: bytes
    summary: str = ""
    said: str = ""


Still = Callable[[], bool]
"""Whether the caller may speak yet: asked right before a call to Slack, which may have to wait."""


class Chat(Protocol):
    """The conversation. Outgoing calls are coalesced and kept within Slack's limits.

    Where ``still`` says no, nothing is sent: ``post`` and ``edit`` raise LeaseLostError then.
    """

    async def post(
        self, channel: str, message: Message, thread: str = "", *, still: Still | None = None
    ) -> str:
        """Post and return the message's ts. Raises CannotPostError with the way out."""

    def show(self, channel: str, ts: str, message: Message, *, still: Still | None = None) -> None:
        """Show progress: only the newest state is sent, when the budget allows. Never raises."""

    async def forget(self, channel: str, ts: str) -> None:
        """Drop the progress that waits for a message; returns when none is under way any more.

        To be called before another replica may write to the message. ``show`` works again after.
        """

    async def settle(self, channel: str, ts: str, message: Message) -> None:
        """Show a final state: goes before any progress, drops what is pending for the message.

        Returns when Slack has it. Raises ChatUnavailableError when Slack did not take it in time.
        """

    async def edit(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Bring a message into a state that may change again: as ``settle``, but ``show`` works
        on it afterwards."""

    async def reply(self, user: str, channel: str, reply_url: str, message: Message) -> None:
        """Say something to one person alone (ephemeral)."""

    async def send_file(self, user: str, name: str, title: str, content: bytes) -> None:
        """Send a file to one person alone, in the direct conversation with the bot."""

    async def share(self, channel: str, file: Upload, thread: str = "") -> str:
        """Share a file in a channel, or in a thread of it; returns a link to it ("" for none).

        Raises CannotPostError with the way out.
        """

    async def publish(self, user: str, view: Message) -> None:
        """Show a person's Home tab; raises ChatUnavailableError when the budget is used up."""

    async def find(self, channel: str, subject: str) -> str:
        """The ts of a job's or an incident's message by the id in its metadata, "" when there is
        none or it may not look."""

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a user group (``S…``)."""
