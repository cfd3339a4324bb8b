"""The state of one Slack workspace, and the stream of its changes.

State is changed only here; subscribe to the changes (`subscribe`) or wait for a condition
(`until`). A condition is checked on every single change, so a state that lasts only for a moment is
not missed.
"""

import asyncio
import itertools
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from playground.slack.model import (
    ChangeKind,
    Channel,
    Content,
    Edit,
    File,
    Message,
    Trigger,
    User,
    View,
    WorkspaceChange,
    snapshot,
)

TEAM_ID: Final = "T0EMULATE1"
APP_ID: Final = "A0EMULATE1"
BOT_ID: Final = "B0EMULATE1"
BOT_USER_ID: Final = "U0BOT00001"
KEPT_CHANGES: Final = 10_000

T = TypeVar("T")
Clock = Callable[[], float]


class Workspace:
    """Users, channels, messages and files, with the app as one of the members."""

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, list[str]] = {}
        self.messages: dict[tuple[str, str], Message] = {}
        self.ephemerals: list[Message] = []
        self.files: dict[str, File] = {}
        self.views: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.changes: deque[WorkspaceChange] = deque(maxlen=KEPT_CHANGES)
        self.arrivals: Counter[str] = Counter()
        self.edit_window: float | None = None
        self.enterprise = ""
        self._numbers = itertools.count(1)
        self._last_ts = 0
        self._looks: list[Callable[[], None]] = []
        self._subscribers: set[asyncio.Queue[WorkspaceChange]] = set()
        self.bot = self.add_user("orochi", id=BOT_USER_ID, real_name="Orochi", is_bot=True)

    @classmethod
    def furnished(cls, clock: Clock = time.time) -> "Workspace":
        """The default workspace.

        Users: `U0ANN00001` (ann) and `U0BOB00001` (bob). Channels: `C0SWARM001` (#swarm) and
        `C0ALERTS01` (#alerts) with the bot in them, `C0LOUNGE01` (#lounge) without it,
        `C0SECRET01` (a private one without it) and `C0ATTIC001` (archived).
        """
        workspace = cls(clock)
        people = [workspace.add_user(name).id for name in ("ann", "bob")]
        for name in ("swarm", "alerts"):
            workspace.add_channel(name, members=[*people, BOT_USER_ID])
        workspace.add_channel("lounge", members=people)
        workspace.add_channel("secret", members=people, is_private=True)
        workspace.add_channel("attic", members=[*people, BOT_USER_ID], is_archived=True)
        return workspace

    def number(self) -> int:
        """The next running number of the workspace."""
        return next(self._numbers)

    def next_ts(self) -> str:
        """A message timestamp: never the same twice, never going back."""
        now = int(self.clock() * 1_000_000)
        self._last_ts = max(now, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_user(
        self,
        name: str,
        *,
        id: str | None = None,  # noqa: A002 - Slack's own word
        real_name: str | None = None,
        is_bot: bool = False,
        team: str = "",
        enterprise: str = "",
        is_guest: bool = False,
    ) -> User:
        """Add a person. Without an id, `name` gives it: `U0ANN00001` for ann."""
        user = User(
            id or _identifier("U", name),
            name,
            real_name or name.title(),
            is_bot=is_bot,
            team=team,
            enterprise=enterprise,
            is_guest=is_guest,
        )
        self.users[user.id] = user
        return user

    def add_channel(
        self,
        name: str,
        *,
        members: Iterable[str] = (),
        id: str | None = None,  # noqa: A002 - Slack's own word
        is_private: bool = False,
        is_archived: bool = False,
        is_ext_shared: bool = False,
    ) -> Channel:
        """Add a channel. Without an id, `name` gives it: `C0SWARM001` for #swarm."""
        channel = Channel(
            id or _identifier("C", name),
            name,
            set(members),
            is_private=is_private,
            is_archived=is_archived,
            is_ext_shared=is_ext_shared,
        )
        self.channels[channel.id] = channel
        return channel

    def add_usergroup(self, group: str, users: Iterable[str]) -> None:
        """Add a user group (`S…`) with the ids of its users."""
        self.usergroups[group] = list(users)

    def open_direct(self, users: Iterable[str]) -> Channel:
        """The direct conversation of the bot with these users, created if necessary."""
        members = {*users, BOT_USER_ID}
        for channel in self.channels.values():
            if channel.is_direct and channel.members == members:
                return channel
        made = Channel(f"D0DIRECT{self.number():03d}", "", members, is_direct=True)
        self.channels[made.id] = made
        return made

    def channel_named(self, reference: str) -> Channel | None:
        """The channel of an id, a `#name` or a bare name."""
        if reference in self.channels:
            return self.channels[reference]
        name = reference.removeprefix("#")
        named = (c for c in self.channels.values() if not c.is_direct and c.name == name)
        return next(named, None)

    def post(
        self,
        channel: str,
        content: Content,
        *,
        user: str = BOT_USER_ID,
        thread_ts: str | None = None,
        broadcast: bool = False,
        files: tuple[File, ...] = (),
    ) -> Message:
        """Post a message to a channel, or to the thread of the message `thread_ts`."""
        message = self._new_message(channel, content, user, thread_ts)
        message.broadcast, message.files = broadcast, files
        self.messages[channel, message.ts] = message
        self.emit("posted", message)
        return message

    def show(
        self, channel: str, content: Content, *, only_for: str, thread_ts: str | None = None
    ) -> Message:
        """Show an ephemeral message to one user."""
        message = self._new_message(channel, content, BOT_USER_ID, thread_ts)
        message.only_for = only_for
        self.ephemerals.append(message)
        self.emit("ephemeral", message)
        return message

    def edit(self, message: Message, content: Content) -> None:
        """Replace the content of a message."""
        message.history.append(Edit(self.clock(), content))
        self.emit("edited", message)

    def delete(self, message: Message) -> None:
        """Delete a message."""
        message.deleted_at = self.clock()
        self.messages.pop((message.channel, message.ts), None)
        self.ephemerals = [each for each in self.ephemerals if each is not message]
        self.emit("deleted", message)

    def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Post a message as a person."""
        return self.post(channel, Content(text), user=user, thread_ts=thread_ts)

    def in_channel(self, channel: str) -> list[Message]:
        """All messages of a channel, oldest first, including replies."""
        return sorted(
            (m for m in self.messages.values() if m.channel == channel), key=lambda m: m.ts
        )

    def in_thread(self, channel: str, ts: str) -> list[Message]:
        """The message `ts` and the replies to it, oldest first."""
        return [m for m in self.in_channel(channel) if ts in (m.ts, m.thread_ts)]

    def shown_to(self, user: str) -> list[Message]:
        """The ephemeral messages of one user, oldest first."""
        return [m for m in self.ephemerals if m.only_for == user]

    def new_trigger(self, user: str) -> str:
        """A trigger id, which lets the app open one view for `user` within three seconds."""
        trigger = f"{self.number()}.{TEAM_ID[2:]}.{secrets.token_hex(16)}"
        self.triggers[trigger] = Trigger(user, self.clock())
        return trigger

    def emit(self, kind: ChangeKind, message: Message | None = None, **detail: object) -> None:
        """Publish one change to all subscribers."""
        seen = None if message is None else snapshot(message)
        change = WorkspaceChange(kind, self.clock(), seen, detail)
        self.changes.append(change)
        if kind == "call":
            self.arrivals[str(detail["method"])] += 1
        for queue in self._subscribers:
            queue.put_nowait(change)
        for look in list(self._looks):
            look()

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[WorkspaceChange]]:
        """The changes from now on, as an endless asynchronous iterator."""
        queue: asyncio.Queue[WorkspaceChange] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._subscribers.discard(queue)

    async def until(self, probe: Callable[[], T | None], timeout: float) -> T:  # noqa: ASYNC109
        """The first result of `probe` that is not None.

        It is called now and on every change. Raises `TimeoutError` after `timeout` seconds, and any
        error of the probe.
        """
        found: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not found.done():
                _settle(found, probe)

        look()
        self._looks.append(look)
        try:
            async with asyncio.timeout(timeout):
                return await found
        finally:
            self._looks.remove(look)

    def _new_message(
        self, channel: str, content: Content, user: str, thread_ts: str | None
    ) -> Message:
        first = Edit(self.clock(), content)
        message = Message(self.next_ts(), channel, user, [first], thread_ts=thread_ts)
        if user == BOT_USER_ID:
            message.bot_id, message.app_id = BOT_ID, APP_ID
        return message


def _identifier(letter: str, name: str) -> str:
    plain = "".join(letter for letter in name.upper() if letter.isalnum())
    return f"{letter}0{plain}".ljust(9, "0") + "1"


def _settle(found: "asyncio.Future[T]", probe: Callable[[], T | None]) -> None:
    try:
        value = probe()
    except Exception as error:  # noqa: BLE001 - whoever waits gets it
        found.set_exception(error)
    else:
        if value is not None:
            found.set_result(value)


async def _drain(queue: asyncio.Queue[WorkspaceChange]) -> AsyncIterator[WorkspaceChange]:
    while True:
        yield await queue.get()
