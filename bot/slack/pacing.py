"""Decides which edit goes next. Pure: the time is an argument.

Rules:
1. Only the newest state of a message is sent; states in between are skipped.
2. A message has only one edit at a time, and at most one in each ``interval``.
3. Messages of jobs and of incidents take turns, so that many messages of one kind do not block the
   other; within a kind, the message whose last edit is longest ago goes first.
4. Nothing is sent if the message already shows that state.
5. A settled message gets no more progress: its final state is sent separately.
6. After a failure there is a pause, longer each time; the state is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, NamedTuple

from bot.domain.text.message import Message
from bot.runtime.backoff import doubled

Key = tuple[str, str]
"""A message's address: channel id and ts."""

INTERVAL: Final = 1.0
KEPT: Final = 2_000
"""Maximum number of messages; the ones idle for longest are dropped first."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class _Track:
    """One message: the known present state and the desired one.

    ``dropped`` says that the state being sent is not wanted any more.
    """

    shown: Message | None = None
    pending: Message | None = None
    edited: float = float("-inf")
    in_flight: bool = False
    settled: bool = False
    dropped: bool = False

    @property
    def idle(self) -> bool:
        return self.pending is None and not self.in_flight


class NextMessage(NamedTuple):
    """The next message, and in how many seconds it may be edited."""

    key: Key
    wait: float


class Pacing:
    """The progress of all messages of this process."""

    def __init__(self, interval: float = INTERVAL, kept: int = KEPT) -> None:
        self._interval = interval
        self._kept = kept
        self._tracks: OrderedDict[Key, _Track] = OrderedDict()
        self._served: dict[str, float] = {}
        self._paused_until = float("-inf")
        self._failures = 0

    def posted(self, key: Key, message: Message) -> None:
        """Record that a message was posted with this content."""
        self._track(key).shown = message

    def show(self, key: Key, message: Message) -> bool:
        """Request a state; False if there is nothing to send (rules 4 and 5)."""
        track = self._track(key)
        if track.settled:
            return False
        unchanged = track.shown == message and not track.in_flight
        track.pending = None if unchanged else message
        return not unchanged

    def settle(self, key: Key) -> None:
        """Drop a message's pending state and all later ones (rule 5)."""
        track = self._track(key)
        track.settled = True
        track.pending, track.shown = None, None

    def forget(self, key: Key) -> None:
        """Drop a message's pending state; later requests are accepted."""
        track = self._track(key)
        track.pending, track.shown = None, None
        track.dropped = track.in_flight

    def reopen(self, key: Key) -> None:
        """Like ``forget``; a settled message also accepts progress again."""
        self.forget(key)
        self._track(key).settled = False

    def turn(self, now: float) -> NextMessage | None:
        """The next message to edit, None if nothing is pending or everything is being sent."""
        first: dict[str, tuple[float, Key]] = {}
        for key, track in self._tracks.items():
            if track.pending is not None and not track.in_flight:
                kind, waits = _kind(track.pending), (track.edited, key)
                first[kind] = min(first.get(kind, waits), waits)
        if not first:
            return None
        ready = {k: max(first[k][0] + self._interval, self._paused_until, now) for k in first}
        served = self._served
        kind = min(first, key=lambda k: (ready[k], served.get(k, float("-inf")), first[k]))
        return NextMessage(first[kind][1], ready[kind] - now)

    def begin(self, key: Key, now: float) -> Message | None:
        """Take a message's pending state to send it; None if there is none any more."""
        track = self._track(key)
        message = track.pending
        if message is None or track.in_flight:
            return None
        track.pending, track.in_flight, track.edited = None, True, now
        track.dropped = False
        self._served[_kind(message)] = now
        return message

    def is_dropped(self, key: Key) -> bool:
        """Whether the state from ``begin`` is not wanted any more: something newer was sent."""
        track = self._track(key)
        return track.settled or track.dropped

    def sent(self, key: Key, message: Message) -> None:
        """Record that Slack accepted the state from ``begin``."""
        track = self._ended(key)
        self._failures = 0
        track.shown = message
        if track.pending == message:
            track.pending = None

    def failed(self, key: Key, message: Message, now: float, at_least: float = 0.0) -> None:
        """Record a failure: try again after a pause, with a newer state if there is one."""
        track = self._ended(key)
        track.shown = None
        if track.pending is None and not track.settled and not track.dropped:
            track.pending = message
        pause = doubled(FIRST_PAUSE, self._failures, LONGEST_PAUSE)
        self._failures += 1
        self._paused_until = max(self._paused_until, now + max(pause, at_least))

    def skipped(self, key: Key) -> None:
        """Record that the state from ``begin`` was not sent, because it is no longer wanted."""
        self._ended(key).shown = None

    def gone(self, key: Key) -> None:
        """Record that the message can no longer be edited: nothing more is sent for it."""
        self._ended(key)
        self.settle(key)

    def _ended(self, key: Key) -> _Track:
        track = self._track(key)
        track.in_flight = False
        return track

    def _track(self, key: Key) -> _Track:
        track = self._tracks.setdefault(key, _Track())
        self._tracks.move_to_end(key)
        if len(self._tracks) > self._kept:
            self._forget_one(key)
        return track

    def _forget_one(self, but: Key) -> None:
        oldest = (key for key, track in self._tracks.items() if track.idle and key != but)
        key = next(oldest, None)
        if key is not None:
            del self._tracks[key]


def _kind(message: Message) -> str:
    """The subject of the message: the event in its metadata."""
    return message.metadata.event_type if message.metadata else ""
