"""The chat. Methods may raise ``ChatError`` and its subclasses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.commands.access import Standing
from bot.domain.text.message import Message, MetadataValue
from bot.ports.authority import Still


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a person said a command in a message, instead of typing the slash command.

    ``name`` is what such messages begin with: the bot's name, or "" in the direct conversation with
    it; ``begins`` says whether this one does. ``shared`` says whether people of other organizations
    can read the channel.
    """

    name: str
    begins: bool = True
    shared: bool = False

    @property
    def direct(self) -> bool:
        """Whether it was said in the direct conversation with the bot."""
        return not self.name


@dataclass(frozen=True, slots=True)
class Request:
    """One slash command, message to the bot, or button press.

    ``key`` is the same for repeated deliveries. ``text`` is the text after the command. For a
    button press, ``action_id`` and ``value`` are the button's, ``message`` is the ts of its
    message; for a message of a person, that one's. ``thread`` is the ts of the first message of
    the thread in which that is, "" if it is in none. ``team`` is the id of the user's own
    workspace, "" if the request does not have it; ``guest`` is set once that is known. ``source``
    names what the button's message is about (``job:ID``, ``incident:ID``), "" if the message does
    not say. ``typed`` is what the person typed into the message's text field, "" without one.
    ``spoken`` is None for slash commands and presses.
    """

    key: str
    user: str
    channel: str
    text: str = ""
    reply_url: str = ""
    action_id: str = ""
    value: str = ""
    message: str = ""
    team: str = ""
    guest: bool = False
    source: str = ""
    typed: str = ""
    thread: str = ""
    spoken: Spoken | None = None

    @property
    def answers_in(self) -> str:
        """The thread for an answer that everyone may read: a message in a channel begins one."""
        begins = self.spoken is not None and not self.spoken.direct
        return self.thread or (self.message if begins else "")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked something, and in which channel."""

    user: str
    channel: str


Receive = Callable[[Request], Awaitable[Message | None]]
"""Handles a request. The returned message answers it, visible only to the user."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to share.

    ``summary`` describes a picture for people who cannot see it; ``said`` is the escaped message
    beside it.
    """

    name: str
    title: str
    content: bytes
    summary: str = ""
    said: str = ""


class Chat(Protocol):
    """The chat. Outgoing calls are merged where possible and kept within Slack's limits.

    If ``still`` returns 0, nothing is sent: ``post``, ``edit`` and ``settle`` raise
    LeaseLostError then.
    """

    async def post(
        self, channel: str, message: Message, thread: str = "", *, still: Still | None = None
    ) -> str:
        """Post a message and return its ts. Raises CannotPostError with advice."""

    def show(self, channel: str, ts: str, message: Message, *, still: Still | None = None) -> None:
        """Show progress: only the newest state is sent, as the rate limit allows. Never raises."""

    async def forget(self, channel: str, ts: str) -> None:
        """Drop a message's pending progress; returns when no edit of it is in progress.

        Call this before another replica may write to the message. ``show`` works again afterwards.
        """

    async def settle(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Show a final state, with priority over progress; drops the message's pending progress.

        Returns when Slack has it. Raises ChatUnavailableError if Slack did not accept it in time.
        """

    async def edit(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Show a state that may change again: like ``settle``, but ``show`` works afterwards."""

    async def reply(
        self,
        user: str,
        channel: str,
        reply_url: str,
        message: Message,
        *,
        thread: str = "",
        secret: bool = False,
    ) -> None:
        """Send a message to one person only (ephemeral); without a user, post it in the channel.

        Without a reply URL it is shown in ``thread``. In the direct conversation with the bot,
        which nobody else reads, it is then a message that stays, unless it is ``secret``.
        """

    async def send_file(self, user: str, name: str, title: str, content: bytes) -> None:
        """Send a file to one person only, in the direct conversation with the bot."""

    async def share(self, channel: str, file: Upload, thread: str = "") -> str:
        """Share a file in a channel or in one of its threads; returns a link to it ("" for none).

        Raises CannotPostError with advice.
        """

    async def publish(self, user: str, view: Message) -> None:
        """Update a person's Home tab. Raises ChatUnavailableError if the rate limit is used up."""

    def permalink(self, channel: str, ts: str, thread: str = "") -> str:
        """The address of a message, "" while it is unknown; never raises.

        ``thread`` is the ts of the message that the thread belongs to, if it is in one.
        """

    async def find(
        self, channel: str, wanted: Mapping[str, MetadataValue], thread: str = ""
    ) -> str:
        """Find the ts of the newest message whose metadata has the wanted values.

        ``channel`` may be a user id: then the direct conversation with the bot is searched. With
        ``thread``, its replies are searched instead of the channel's messages.

        "" if there is none, or if the bot may not read the channel.
        """

    async def told_in(self, channel: str, ts: str) -> Mapping[str, MetadataValue]:
        """The metadata's values of a message of the bot, {} for none or another's message.

        Raises ChatError.
        """

    async def standing(self, user: str, team: str = "", *, guests: bool = True) -> Standing:
        """What a person is to the bot's workspace. ``team`` is theirs in the request, if given.

        Without ``guests``, guests count as members, which needs no look-up.

        Raises ChatUnavailableError if Slack does not answer and they are not known yet.
        """

    async def unfinished(self, channel: str) -> tuple[tuple[str, str], ...]:
        """The ts and the job of each of the newest messages that shows no verdict.

        Those in threads in which people wrote are among them. () if the bot may not read the
        channel.
        """

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a user group (``S…``)."""
