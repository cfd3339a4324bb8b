"""The bot's exception hierarchy.

    BotError                    has a sentence for the user and a short id for the log
    ├── RefusedError            the command cannot be done as asked; nothing was changed
    │   ├── SupersededError         somebody else changed the service since the decision
    │   └── StalePlanError          the plan is out of date
    ├── UncertainError          it is not known yet whether something was changed
    ├── StoreUnavailableError   Redis does not answer
    │   └── StoreFullError          Redis answers, but takes no new data
    ├── UnreadableRecordError   a record in Redis of a newer version, or damaged (bot.store.codec)
    ├── LeaseLostError          another replica took over this job
    ├── SwarmError              the engine refused or failed
    │   ├── SwarmUnavailableError   the engine does not answer, or the swarm has no leader
    │   ├── NotAManagerError        this engine is not a swarm manager
    │   ├── NotFoundError           no such service, task or node
    │   ├── OutOfSequenceError      somebody changed the service since it was read
    │   └── RegistryError           a registry has no such image, refuses, or cannot be asked
    ├── DrawingError            a picture could not be drawn
    └── ChatError               Slack refused or failed
        ├── ChatUnavailableError    Slack does not answer; the same call may work later
        ├── CannotPostError         the bot may not post there; the hint says how to fix it
        │   └── MessageGoneError        that message cannot be edited, or has no thread
        └── ChatLoginError          a token is wrong or lacks a scope

Adapters translate their client's exceptions into these and keep the original as ``__cause__``; no
other exception crosses a port.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable


class BotError(Exception):
    """Base class of errors that are shown to people. ``str(error)`` is a sentence for them.

    ``ref`` is a short random id that appears in the message and in the log. ``hint`` is the next
    step, a sentence or empty. ``doubtful`` says that the failed call, or an earlier attempt at the
    same change, may have taken effect.
    """

    doubtful: bool = False

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.ref = secrets.token_hex(3)

    def reword(self, change: Callable[[str], str]) -> None:
        """Replace the error's texts by what ``change`` makes of them."""
        self.sentence, self.hint = change(self.sentence), change(self.hint)
        self.args = (self.sentence,)


class RefusedError(BotError):
    """The command cannot be done as requested; nothing was changed."""


class AmbiguousNameError(RefusedError):
    """What was typed fits more than one thing."""


class SupersededError(RefusedError):
    """Somebody else changed the service since the change was decided; nothing was changed."""


class StalePlanError(RefusedError):
    """A plan is out of date. The failed step changed nothing; earlier steps stay applied."""


class UncertainError(BotError):
    """It is not known yet whether the command took effect; the sentence says how to find out."""


class StoreUnavailableError(BotError):
    """Redis does not answer within its time limit.

    ``doubtful`` is False only if the call certainly never reached Redis, or Redis refused it.
    """


class StoreFullError(StoreUnavailableError):
    """Redis answers, but takes no new data: its memory or its disk is full, or it is read-only."""


class LeaseLostError(BotError):
    """Another replica has taken over this job; the caller must stop working on it."""


class SwarmError(BotError):
    """The engine refused or failed; the sentence includes its own message."""


class SwarmUnavailableError(SwarmError):
    """The engine does not answer, or the swarm has no leader.

    The outcome of a failed write is unknown: read the object again before repeating the write.
    """


class NotAManagerError(SwarmError):
    """The engine is a worker or not part of a swarm."""


class NotFoundError(SwarmError):
    """No such service, task or node."""


class OutOfSequenceError(SwarmError):
    """The version index is outdated: somebody changed the service after it was read."""


class RegistryError(SwarmError):
    """A registry, asked through the engine, has no such image, refuses, or cannot be asked.

    ``kind`` is the value of the ``CauseKind`` that a pull would fail with. ``limited`` says that
    the registry wants fewer requests.
    """

    def __init__(self, sentence: str, *, hint: str = "", kind: str, limited: bool = False) -> None:
        super().__init__(sentence, hint=hint)
        self.kind = kind
        self.limited = limited


class DrawingError(BotError):
    """A picture could not be drawn: too large, too many at once, or too slow."""


class ChatError(BotError):
    """Slack refused or failed."""


class ChatUnavailableError(ChatError):
    """Slack does not answer or limits the rate; the same call may work later."""


class CannotPostError(ChatError):
    """The bot may not post in that channel; the hint says how to fix it."""


class MessageGoneError(CannotPostError):
    """The message can no longer be edited, or has no thread: deleted, or too old to be edited."""


class ChatLoginError(ChatError):
    """A token is invalid, revoked or lacks a scope."""
