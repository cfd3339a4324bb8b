"""Which edit goes next. Pure: values in, values out, the time is an argument.

Rules:
1. Of one message only the newest state is sent; states in between are never seen.
2. One edit of a message at a time, and one each ``interval`` at most.
3. Messages of jobs and of incidents take turns, so that a flood of the one kind does not hold up
   the other; among those of one kind the one that waited longest since its last edit goes first.
4. Nothing is sent when a message shows that very state already.
5. A settled message gets no progress any more: its final state is settled by other means.
6. After a failure nothing is sent for a while, longer each time; the state is kept.
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
"""Messages remembered at most; those that lie idle longest are forgotten first."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class _Track:
    """One message: what it shows as far as known, and what it ought to show.

    ``dropped`` says that what is in flight is not to be tried again.
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
    """The message whose turn it is, and in how many seconds."""

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
        """A message stands in Slack and shows this."""
        self._track(key).shown = message

    def show(self, key: Key, message: Message) -> bool:
        """Ask for a state; False when there is nothing to send for it (rules 4 and 5)."""
        track = self._track(key)
        if track.settled:
            return False
        track.dropped = False
        unchanged = track.shown == message and not track.in_flight
        track.pending = None if unchanged else message
        return not unchanged

    def settle(self, key: Key) -> None:
        """Drop what is pending for a message, now and from now on (rule 5)."""
        track = self._track(key)
        track.settled = True
        track.pending, track.shown = None, None

    def forget(self, key: Key) -> None:
        """Drop what is pending for a message; a later request is heard again."""
        track = self._track(key)
        track.pending, track.shown = None, None
        track.dropped = track.in_flight

    def reopen(self, key: Key) -> None:
        """As ``forget``; also a message that was settled takes progress again from now on."""
        self.forget(key)
        self._track(key).settled = False

    def turn(self, now: float) -> NextMessage | None:
        """Whose turn is next, None when nothing is pending or all of it is in flight."""
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
        """Take the pending state of a message to send it; None when it has none any more."""
        track = self._track(key)
        message = track.pending
        if message is None or track.in_flight:
            return None
        track.pending, track.in_flight, track.edited = None, True, now
        self._served[_kind(message)] = now
        return message

    def sent(self, key: Key, message: Message) -> None:
        """Slack took the state that ``begin`` gave out."""
        track = self._ended(key)
        self._failures = 0
        track.shown = message
        if track.pending == message:
            track.pending = None

    def failed(self, key: Key, message: Message, now: float, at_least: float = 0.0) -> None:
        """Slack did not take it: try again after a pause, with a newer state if there is one."""
        track = self._ended(key)
        track.shown = None
        if track.pending is None and not track.settled and not track.dropped:
            track.pending = message
        pause = doubled(FIRST_PAUSE, self._failures, LONGEST_PAUSE)
        self._failures += 1
        self._paused_until = max(self._paused_until, now + max(pause, at_least))

    def skipped(self, key: Key) -> None:
        """What ``begin`` gave out was not sent, as nobody wants it any more."""
        self._ended(key).shown = None

    def gone(self, key: Key) -> None:
        """The message can be edited no more: nothing is sent for it from now on."""
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
    """What the message is about: the event in its metadata."""
    return message.metadata.event_type if message.metadata else ""
