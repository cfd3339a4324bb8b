"""The one tree of errors.

    BotError                    says a sentence to the person, carries a short id for the log
    ├── RefusedError            the command cannot be done as asked; nothing was changed
    │   ├── SupersededError         somebody else changed the service since it was decided
    │   └── StalePlanError          what a plan is based on changed since it was made
    ├── UncertainError          it is not known yet whether something was changed
    ├── StoreUnavailableError   Redis does not answer
    ├── UnreadableRecordError   a record in Redis of a newer version, or damaged (bot.store.codec)
    ├── LeaseLostError          another replica took this job over
    ├── SwarmError              the engine refused or failed
    │   ├── SwarmUnavailableError   the engine does not answer, or the swarm has no leader
    │   ├── NotAManagerError        this engine cannot speak for a swarm
    │   ├── NotFoundError           no such service, task or node
    │   └── OutOfSequenceError      somebody changed the service since it was looked at
    ├── DrawingError            a picture could not be drawn
    └── ChatError               Slack refused or failed
        ├── ChatUnavailableError    Slack does not answer; the same call may work later
        ├── CannotPostError         the bot may not post there; says how to change that
        │   └── MessageGoneError        only that message (or thread) cannot be written to
        └── ChatLoginError          a token is wrong or lacks a scope

Adapters translate what their client raises into this tree and keep the original as
``__cause__``; nothing else crosses a port.
"""

from __future__ import annotations

import secrets


class BotError(Exception):
    """Anything the bot can tell a person. ``str(error)`` is a sentence for them.

    ``ref`` is a short random id that stands in the message and in the log.
    ``hint`` is the next step, a sentence or empty.
    """

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.ref = secrets.token_hex(3)


class RefusedError(BotError):
    """The command cannot be done as asked; nothing was changed."""


class SupersededError(RefusedError):
    """Somebody else changed the service since the change was decided; nothing was changed."""


class StalePlanError(RefusedError):
    """What a plan is based on changed since it was made. The step it was raised for changed
    nothing; steps of the same plan that were made before stay made."""


class UncertainError(BotError):
    """It is not known yet whether the command took effect; the sentence says how that will show."""


class StoreUnavailableError(BotError):
    """Redis does not answer within its time limit."""


class LeaseLostError(BotError):
    """Another replica holds this job now; the caller must stop working on it."""


class SwarmError(BotError):
    """The engine refused or failed; the sentence carries its own words."""


class SwarmUnavailableError(SwarmError):
    """The engine does not answer, or the swarm has no leader.

    The outcome of a write that ended so is unknown: look again before repeating it.
    """


class NotAManagerError(SwarmError):
    """The engine is a worker or in no swarm."""


class NotFoundError(SwarmError):
    """No such service, task or node."""


class OutOfSequenceError(SwarmError):
    """The version index is stale: somebody changed the service since the look."""


class DrawingError(BotError):
    """A picture could not be drawn: too large, too many at once, or too slow."""


class ChatError(BotError):
    """Slack refused or failed."""


class ChatUnavailableError(ChatError):
    """Slack does not answer or limits the rate; the same call may work later."""


class CannotPostError(ChatError):
    """The bot may not post in that channel; the hint says how to change that."""


class MessageGoneError(CannotPostError):
    """That message can be edited no more, or has no thread: deleted, or too old to be edited."""


class ChatLoginError(ChatError):
    """A token is wrong, revoked or lacks a scope."""
