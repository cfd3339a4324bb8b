"""The messenger: sends all messages of the bot, within Slack's limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.commands.access import Standing
from bot.domain.errors import CannotPostError, ChatError, ChatUnavailableError
from bot.domain.text.message import Message, MetadataValue
from bot.ports import Clock, Still, Upload
from bot.slack.api import SlackApi
from bot.slack.budget import Budget, Limit, LocalBudget
from bot.slack.edits import Edits
from bot.slack.files import send_file, share_file
from bot.slack.people import People
from bot.slack.permalinks import permalink
from bot.slack.sending import Sender, while_allowed
from bot.slack.wording import ephemeral_body, home_view, post_arguments

log = logging.getLogger(__name__)

POSTS_PER_MINUTE: Final = 60
POSTS_AT_ONCE: Final = 3
"""Slack accepts about one message a second in a channel, and short bursts."""
EPHEMERALS: Final = Limit("chat.postEphemeral", per_minute=70, burst=20)
"""At most 90 in any minute; Slack allows 100 (tier 4)."""
PICTURES: Final = Limit("files", per_minute=30, burst=10)
VIEWS: Final = Limit("views.publish", per_minute=70, burst=20)
"""Slack allows 100 calls of each in a minute (tier 4)."""
PATIENCE: Final = 20.0
LOOKED_AT: Final = 100
"""Newest messages of a channel among which a job's message is searched."""
MOST_REPLIES: Final = 999
"""Slack accepts fewer than 1,000 (https://docs.slack.dev/reference/methods/conversations.replies)."""
MOST_THREADS: Final = 20
"""Threads of a channel that are read for such a message; Slack answers 50 a minute (tier 3)."""
PEOPLE: Final = ("U", "W")
"""How user ids begin; ids of conversations begin with other letters."""
DIRECT: Final = "D"
"""How ids of direct conversations begin."""
UNFINISHED: Final = frozenset({"planned", "queued", "running"})
MEMBERS_FOR: Final = 60.0


class Messenger:
    """Implements ``bot.ports.Chat`` with Slack.

    Call ``start`` in the event loop that uses it, and finally ``close``. ``budget`` is shared by
    all replicas (without one, this process counts alone). ``patience`` is how many seconds a call
    is retried before ChatUnavailableError.
    """

    def __init__(
        self, api: SlackApi, clock: Clock, budget: Budget | None = None, patience: float = PATIENCE
    ) -> None:
        tokens = budget or LocalBudget(clock)
        self._api = api
        self._clock = clock
        self._sender = Sender(clock, tokens, patience)
        self._edits = Edits(api, clock, tokens, self._sender)
        self._people = People(api, clock)
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._asking = asyncio.Lock()

    def start(self) -> None:
        """Start sending progress."""
        self._edits.start()

    async def close(self) -> None:
        """Stop sending progress (an edit in progress finishes first) and close the connections."""
        await self._edits.close()
        await self._api.close()

    async def post(
        self, channel: str, message: Message, thread: str = "", *, still: Still | None = None
    ) -> str:
        """Post a message and return its ts.

        Raises CannotPostError with advice, LeaseLostError if ``still`` returns 0. After a
        ChatUnavailableError the message may exist all the same: call ``find`` before posting again.
        """
        limit = Limit(f"chat.postMessage:{channel}", POSTS_PER_MINUTE, POSTS_AT_ONCE)
        where = {"channel": channel} | ({"thread_ts": thread} if thread else {})

        async def attempt(said: Message) -> str:
            arguments = where | post_arguments(said)
            answer = await while_allowed(
                still, lambda: self._api.call("chat.postMessage", **arguments)
            )
            return str(answer.get("ts", ""))

        ts = await self._sender.deliver(message, attempt, limit, repeat=False)
        self._edits.posted((channel, ts), message)
        return ts

    def show(self, channel: str, ts: str, message: Message, *, still: Still | None = None) -> None:
        """Show progress: the newest state, as the rate limit allows. Never raises.

        Ignored for a settled message, because a verdict is never overwritten. Dropped if ``still``
        returns 0 when it is due.
        """
        self._edits.show((channel, ts), message, still)

    async def forget(self, channel: str, ts: str) -> None:
        """Drop a message's pending progress; returns when no edit of it is in progress.

        Call this before another replica may write to the message. ``show`` works again afterwards.
        """
        await self._edits.forget((channel, ts))

    async def settle(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Show a final state, with priority over progress.

        Returns when Slack has it.

        Raises:
            ChatUnavailableError: Slack did not accept it in time.
            CannotPostError: the message does not exist any more, or the bot has no access.
            LeaseLostError: ``still`` returned 0.
        """
        await self._edits.settle((channel, ts), message, still)

    async def edit(
        self, channel: str, ts: str, message: Message, *, still: Still | None = None
    ) -> None:
        """Show a state that may change again; raises like ``settle``.

        Raises LeaseLostError if ``still`` returns 0.
        """
        await self._edits.edit((channel, ts), message, still)

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
        """Send a message to one person only; by ``chat.postEphemeral`` if the URL is not usable.

        Without a channel, as after a press in the Home tab, or where the bot may not post, it goes
        to the direct conversation with the bot. Without a user, who asked for nothing, it is posted
        in the channel. In the direct conversation, an answer without a URL is posted, because only
        posted messages stay, unless it is ``secret``.
        """
        if not user:
            try:
                _ = await self.post(channel, message)
            except CannotPostError as error:
                log.warning("an answer is not posted: %s", error)
            return

        in_thread = {"thread_ts": thread} if thread else {}

        async def by_url(said: Message) -> bool:
            return await self._api.respond(reply_url, ephemeral_body(said) | in_thread)

        heard = False
        if reply_url:
            heard = await self._sender.deliver(message, by_url, None, repeat=True)
        if heard:
            return
        if channel.startswith(DIRECT) and not (reply_url or secret):
            _ = await self.post(channel, message, thread)
        elif not channel or not await self._show_alone(user, channel, message, thread):
            _ = await self.post(user, message)

    async def _show_alone(self, user: str, channel: str, message: Message, thread: str) -> bool:
        """Show a message to one person by ``chat.postEphemeral``; False if Slack refuses that."""
        in_thread = {"thread_ts": thread} if thread else {}
        where = {"channel": channel, "user": user} | in_thread

        async def attempt(said: Message) -> None:
            body = ephemeral_body(said)
            content = {name: body[name] for name in ("text", "blocks") if name in body}
            await self._api.call("chat.postEphemeral", **where, **content)

        try:
            await self._sender.deliver(message, attempt, EPHEMERALS, repeat=True)
        except CannotPostError as error:
            log.info("an answer goes to direct messages: %s", error)
            return False
        return True

    async def send_file(self, user: str, name: str, title: str, content: bytes) -> None:
        """Send a file to one person only, in the direct conversation with the bot.

        Raises ChatError if it was not sent.
        """
        await send_file(self._api, user, name, title, content)

    async def share(self, channel: str, file: Upload, thread: str = "") -> str:
        """Share a file in a channel or a thread of it; returns a link to it, "" for none.

        Not retried, because after a failure it may exist all the same. Raises ChatError.
        """

        async def attempt(_: Message) -> str:
            return await share_file(self._api, channel, file, thread)

        return await self._sender.deliver(Message(file.title), attempt, PICTURES, repeat=False)

    async def publish(self, user: str, view: Message) -> None:
        """Update a person's Home tab. Raises ChatError, also when the rate limit is used up."""

        async def attempt(said: Message) -> None:
            await self._api.call("views.publish", user_id=user, view=home_view(said))

        await self._sender.deliver(view, attempt, VIEWS, repeat=True)

    def permalink(self, channel: str, ts: str, thread: str = "") -> str:
        """The address of a message, "" before the login and for a message that is not known."""
        identity = self._api.identity
        return permalink(identity.url if identity else "", channel, ts, thread)

    async def find(
        self, channel: str, wanted: Mapping[str, MetadataValue], thread: str = ""
    ) -> str:
        """Find the ts of the newest message whose metadata has the wanted values.

        ``channel`` may be a user id: then the direct conversation with the bot is searched. With
        ``thread``, its replies are searched instead of the channel's messages.

        "" if there is none, or if the bot may not read the channel. Raises ChatUnavailableError.
        """
        messages = await (self._replies(channel, thread) if thread else self._newest(channel))
        found = (each for each in messages if wanted.items() <= _payload(each).items())
        return next((str(each["ts"]) for each in found), "")

    async def told_in(self, channel: str, ts: str) -> Mapping[str, MetadataValue]:
        """The metadata's values of a message of the bot, {} for none or another's message.

        Raises ChatError.
        """

        async def attempt(_: Message) -> AsyncSlackResponse:
            return await self._api.call(
                "conversations.replies", channel=channel, ts=ts, limit=1, include_all_metadata=1
            )

        answer = await self._sender.deliver(Message(""), attempt, None, repeat=True)
        bot = self._api.identity.bot_id if self._api.identity else ""
        messages: list[dict[str, Any]] = answer.get("messages") or []
        own = (each for each in messages if each.get("ts") == ts and each.get("bot_id") == bot)
        return next(map(_payload, own), {})

    async def unfinished(self, channel: str) -> tuple[tuple[str, str], ...]:
        """The ts and the job of each of the newest messages that shows no verdict.

        Those in threads in which people wrote are among them. () if the bot may not read the
        channel. Raises ChatUnavailableError.
        """
        found = await self._newest(channel)
        threads = [str(each["ts"]) for each in found if self._is_conversation(each)]
        for thread in threads[:MOST_THREADS]:
            found = [*found, *await self._replies(channel, thread)]
        shown = {str(each["ts"]): _payload(each) for each in found}
        return tuple(
            (ts, str(payload["job_id"]))
            for ts, payload in shown.items()
            if payload.get("job_id") and payload.get("state") in UNFINISHED
        )

    def _is_conversation(self, message: Mapping[str, Any]) -> bool:
        """Whether a message has a thread in which somebody else than the bot wrote."""
        own = {self._api.identity.user_id} if self._api.identity else set()
        users = {message.get("user"), *(message.get("reply_users") or ())}
        return bool(message.get("reply_count")) and not users <= own

    async def _newest(self, channel: str) -> list[dict[str, Any]]:
        """The newest messages of a channel or of a person's conversation, newest first."""

        async def read() -> AsyncSlackResponse:
            place = await self._direct(channel) if channel.startswith(PEOPLE) else channel
            return await self._api.call(
                "conversations.history", channel=place, limit=LOOKED_AT, include_all_metadata=1
            )

        return await self._readable(channel, read)

    async def _replies(self, channel: str, thread: str) -> list[dict[str, Any]]:
        """The messages of a thread, newest first."""

        async def read() -> AsyncSlackResponse:
            return await self._api.call(
                "conversations.replies",
                channel=channel,
                ts=thread,
                limit=MOST_REPLIES,
                include_all_metadata=1,
            )

        return (await self._readable(channel, read))[::-1]

    async def _readable(
        self, channel: str, read: Callable[[], Awaitable[AsyncSlackResponse]]
    ) -> list[dict[str, Any]]:
        """The messages of an answer, none if the bot may not read the channel."""

        async def attempt(_: Message) -> AsyncSlackResponse:
            return await read()

        try:
            answer = await self._sender.deliver(Message(""), attempt, None, repeat=True)
        except ChatUnavailableError:
            raise
        except ChatError as error:
            log.info("Cannot look into %s: %s", channel, error)
            return []
        messages: list[dict[str, Any]] = answer.get("messages") or []
        return messages

    async def _direct(self, user: str) -> str:
        """The id of a person's conversation with the bot."""
        opened = await self._api.call("conversations.open", users=user)
        return str((opened.get("channel") or {}).get("id", ""))

    async def standing(self, user: str, team: str = "", *, guests: bool = True) -> Standing:
        """What a person is to the bot's workspace; see ``People``. Raises ChatUnavailableError."""
        return await self._people.standing(user, team, guests=guests)

    async def is_shared(self, channel: str) -> bool:
        """Whether people of other organizations are, or are invited to be, in a channel.

        Raises ChatLoginError without the scope, and CannotPostError without access.
        """
        answer = await self._api.call("conversations.info", channel=channel)
        shown: dict[str, Any] = answer.get("channel") or {}
        return bool(shown.get("is_ext_shared") or shown.get("is_pending_ext_shared"))

    async def see(self, channel: str) -> None:
        """Return if the bot is in a channel. Raises CannotPostError with advice otherwise."""
        await self._api.call("conversations.history", channel=channel, limit=1)

    async def members(self, group: str) -> frozenset[str]:
        """The user ids of a user group (``S…``), cached for up to a minute. Raises ChatError."""
        async with self._asking:
            since, users = self._groups.get(group, (float("-inf"), frozenset()))
            if self._clock.now() - since < MEMBERS_FOR:
                return users
            answer = await self._api.call("usergroups.users.list", usergroup=group)
            users = frozenset(str(user) for user in answer.get("users") or [])
            self._groups[group] = (self._clock.now(), users)
            return users


async def sharing_warning(messenger: Messenger, channel: str) -> str:
    """A sentence if the people of another organization can read a channel, else "".

    If Slack does not say, the sentence names the reason. Raises ChatUnavailableError.
    """
    try:
        shared = await messenger.is_shared(channel)
    except ChatUnavailableError:
        raise
    except ChatError as error:
        return f"It is not known whether channel {channel} is shared. {error} {error.hint}".strip()
    if not shared:
        return ""
    return (
        f"Channel {channel} is shared with another organization, whose people can read every alert."
        " Use a channel of your own."
    )


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    """The payload of a message's metadata."""
    metadata = message.get("metadata") or {}
    payload: dict[str, Any] = metadata.get("event_payload") or {}
    return payload
