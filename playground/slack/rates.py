"""Slack's rate limits: tiers of calls per minute, and about a message a second per channel.

Every call is counted whether limits are enforced or not, and every breach is recorded, so that a
test can assert that the app never exceeded a limit.
"""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from playground.slack.refusals import RateLimited
from playground.slack.workspace import Clock

MINUTE: Final = 60.0


class RateBudget(Protocol):
    """A budget of calls."""

    def wait(self, now: float) -> float:
        """Seconds until the next call is allowed; if zero, the call is counted."""


@dataclass
class Window:
    """At most `calls` within any `seconds`."""

    calls: int
    seconds: float = MINUTE
    taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Seconds until the oldest call leaves the window."""
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        if len(self.taken) >= self.calls:
            return self.taken[0] + self.seconds - now
        self.taken.append(now)
        return 0.0


@dataclass
class Bucket:
    """`rate` calls a second, and `burst` of them at once after a quiet time."""

    rate: float
    burst: int
    filled: float = -1.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the bucket has room for one call."""
        level = self.burst if self.filled < 0 else self.filled + (now - self.at) * self.rate
        self.filled, self.at = min(self.burst, level), now
        if self.filled < 1:
            return (1 - self.filled) / self.rate
        self.filled -= 1
        return 0.0


@dataclass(frozen=True)
class RateRule:
    """The budget of a method: `calls` within `seconds`, or a bucket if there is a `burst`.

    `per_channel` gives each channel a budget of its own; otherwise the workspace has one.
    """

    calls: int
    seconds: float = MINUTE
    burst: int | None = None
    per_channel: bool = False

    def budget(self) -> RateBudget:
        """A fresh budget."""
        if self.burst is None:
            return Window(self.calls, self.seconds)
        return Bucket(self.calls / self.seconds, self.burst)


TIER_2: Final = RateRule(20)
TIER_3: Final = RateRule(50)
TIER_4: Final = RateRule(100)
RULES: Final[dict[str, RateRule]] = {
    "apps.connections.open": TIER_2,
    "auth.test": RateRule(300),
    "chat.postMessage": RateRule(60, burst=5, per_channel=True),
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "conversations.info": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.open": TIER_3,
    "users.info": TIER_4,
    "usergroups.users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.update": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "files.info": TIER_4,
}
"""The tiers of Slack's method pages; the burst of chat.postMessage is not documented."""


@dataclass(frozen=True)
class Violation:
    """A call beyond the budget.

    `early` means that the app had been asked to wait and did not (it ignored `Retry-After`).
    """

    method: str
    channel: str
    at: float
    retry_after: int
    early: bool


class RateLimits:
    """The budgets of one app in one workspace.

    With `enforced=False` nothing is refused, and breaches are still recorded.
    """

    def __init__(self, clock: Clock, *, enforced: bool = True) -> None:
        self.clock = clock
        self.enforced = enforced
        self.rules = dict(RULES)
        self.violations: list[Violation] = []
        self._budgets: dict[tuple[str, str], RateBudget] = {}
        self._closed_until: defaultdict[tuple[str, str], float] = defaultdict(float)

    def tighten(self, method: str, rule: RateRule) -> None:
        """Give a method another rule, with a fresh budget."""
        self.rules[method] = rule
        self._budgets = {key: b for key, b in self._budgets.items() if key[0] != method}

    def take(self, method: str, channel: str) -> None:
        """Count a call; raises `RateLimited` when it exceeds the budget."""
        rule = self.rules.get(method)
        key = (method, channel if rule is not None and rule.per_channel else "")
        now = self.clock()
        if self._closed_until[key] > now:
            self._refuse(key, self._closed_until[key] - now, early=True)
        if rule is None:
            return
        wait = self._budgets.setdefault(key, rule.budget()).wait(now)
        if wait > 0:
            self._refuse(key, wait, early=False)

    def close(self, method: str, channel: str, seconds: float) -> None:
        """Refuse a method for a while, as after an injected 429."""
        rule = self.rules.get(method)
        key = (method, channel if rule is not None and rule.per_channel else "")
        self._closed_until[key] = self.clock() + seconds

    def _refuse(self, key: tuple[str, str], wait: float, *, early: bool) -> None:
        retry_after = max(1, math.ceil(wait))
        self.violations.append(Violation(*key, self.clock(), retry_after, early))
        if self.enforced or early:
            self._closed_until[key] = max(self._closed_until[key], self.clock() + wait)
            raise RateLimited(retry_after)
