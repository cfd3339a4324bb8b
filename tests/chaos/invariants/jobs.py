"""Commands, jobs and their messages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import Any, Final

from bot.domain.jobs.model import Job, JobState
from bot.slack.wording import edit_arguments
from bot.views.jobs.message import job_message
from playground.slack import Content, Message
from playground.slack.model import texts_within
from tests.chaos.recorded import Asked, Recorded, Violation

CANCELS: Final = "cancel"
STACK: Final = "orochi"
"""The stack of all channels, which messages do not name."""
CONFIRM: Final = "job.confirm"
_ORDER: Final = {"queued": 0, "running": 1, "finished": 2}


def every_command_ends(recorded: Recorded) -> Iterator[Violation]:
    """Every accepted command ended as a job, or its person was told otherwise."""
    for asked in recorded.asked:
        if why := _unended(recorded, asked):
            about = f" on {asked.about}" if asked.about else ""
            subject = f"{asked.number}: {asked.text}{about} of {asked.user}"
            yield Violation("every command ends", subject, why)


def jobs_end_once(recorded: Recorded) -> Iterator[Violation]:
    """Every job ended, once."""
    for job in recorded.jobs.values():
        times = recorded.ends.get(job.id, 0)
        if job.state is not JobState.FINISHED:
            yield Violation("jobs end once", job.id, f"it is {job.state.value}")
        elif times != 1:
            yield Violation("jobs end once", job.id, f"it ended {times} times")


def messages_show_their_records(recorded: Recorded) -> Iterator[Violation]:
    """Each job has one message, which shows its record; there is no message without a job."""
    for job in recorded.jobs.values():
        if job.state is JobState.FINISHED:
            yield from _shown(recorded, job)
    for message in _live(recorded):
        job_id, state = _job_of(message), message.payload.get("state")
        if job_id and job_id not in recorded.jobs and state != "finished":
            said = f"its message says {state}: {message.text[:100]}"
            yield Violation("no message without a job", job_id, said)


def verdicts_stay(recorded: Recorded) -> Iterator[Violation]:
    """No message goes back to an earlier state.

    A job that Redis forgot is queued once more, and its message says so.
    """
    again = {("running", "queued")} if recorded.redis_killed else set()
    for message in recorded.messages:
        states = [_state(edit.content) for edit in message.history]
        for before, after in pairwise(states):
            back = _ORDER.get(after, 9) < _ORDER.get(before, 0)
            if back and (before, after) not in again:
                said = " → ".join(states)
                yield Violation("verdicts stay", _job_of(message), said)
                break


def nobody_is_mentioned_twice(recorded: Recorded) -> Iterator[Violation]:
    """The person of a job is told its verdict once, and a revised one once more."""
    for job in recorded.jobs.values():
        told = [message for message in recorded.messages if _tells(message, job)]
        if len(told) > 1 + job.revised:
            said = f"{job.user} was mentioned {len(told)} times"
            yield Violation("nobody is mentioned twice", job.id, said)
        has_message = any(_job_of(message) == job.id for message in _live(recorded))
        if not told and has_message and job.state is JobState.FINISHED:
            yield Violation("the verdict is told", job.id, f"{job.user} was not mentioned")


def _unended(recorded: Recorded, asked: Asked) -> str:
    """Why a command has not ended; "" if it has."""
    if _was_told(recorded, asked.user):
        return ""
    if asked.text.startswith(CANCELS) or asked.text.endswith(CANCELS):
        return "" if asked.error or _has_cancelled(recorded, asked) else "it was not answered"
    accepted = recorded.accepted.get(asked.key)
    if accepted is None:
        return "" if asked.error else "it was acknowledged, but neither kept nor answered"
    if asked.text == CONFIRM:
        return "" if _has_confirmed(recorded, asked) else "it was accepted, but had no effect"
    if asked.error or accepted in recorded.jobs or _is_shown_as_ended(recorded, accepted):
        return ""  # an error of Slack's own tells the person, too, that nothing may have happened
    return f"it was accepted as {accepted}, but has neither a job nor an answer"


def _was_told(recorded: Recorded, user: str) -> bool:
    directly = (recorded.direct.get(message.channel) == user for message in recorded.messages)
    return any(message.only_for == user for message in recorded.whispers) or any(directly)


def _has_cancelled(recorded: Recorded, asked: Asked) -> bool:
    job = recorded.jobs.get(asked.about)
    by_them = job is not None and job.cancelled_by == asked.user
    said = f"Cancelled by <@{asked.user}>"
    return by_them or any(said in message.shown_text for message in recorded.messages)


def _has_confirmed(recorded: Recorded, asked: Asked) -> bool:
    job = recorded.jobs.get(asked.about)
    if job is None:
        return _is_shown_as_ended(recorded, asked.about)
    return job.confirmed_by == asked.user


def _is_shown_as_ended(recorded: Recorded, job_id: str) -> bool:
    about = (message for message in recorded.messages if _job_of(message) == job_id)
    return any(message.payload.get("state") == "finished" for message in about)


def _shown(recorded: Recorded, job: Job) -> Iterator[Violation]:
    """What is wrong with a job's messages.

    Of those that nobody can edit any more one has to have the verdict. It may have been the last
    edit before the watch ended, so the rest need not agree: the same verdict is not told again.
    """
    about = [message for message in recorded.messages if _job_of(message) == job.id]
    live = [message for message in _live(recorded) if _job_of(message) == job.id]
    watched = recorded.watch_seconds
    wanted = edit_arguments(job_message(job, 0.0, probation_seconds=watched, home=STACK))
    rule = "messages show their records"
    for message in live:
        if difference := _difference(message, wanted):
            yield Violation(rule, job.id, difference)
    verdict = wanted["metadata"]["event_payload"]["verdict"]
    if not live and all(message.payload.get("verdict") != verdict for message in about):
        yield Violation(rule, job.id, f"no message ever said: {wanted['text']}")
    if len({message.ts for message in live}) > 1:
        yield Violation("one message for a job", job.id, f"it has {len(live)}")


def _difference(message: Message, wanted: dict[str, Any]) -> str:
    """How a message differs from what it should say; "" if it does not.

    One that was posted when the first could not be edited any more has to have the verdict only.
    """
    content = message.content
    if content.metadata != wanted["metadata"]:
        return f"its metadata is {content.metadata}, not {wanted['metadata']}"
    if _is_posted_again(message):
        return ""
    found = [content.text, *texts_within(list(content.blocks))]
    should = [wanted["text"], *texts_within(wanted["blocks"])]
    for said, right in zip_longest(found, should, fillvalue=""):
        if said != right:
            return f"it says {said!r}, not {right!r}"
    return ""


def _is_posted_again(message: Message) -> bool:
    """Whether it was posted with the verdict, because the job's first message was gone."""
    return not message.is_reply and _state(message.history[0].content) == "finished"


def _live(recorded: Recorded) -> list[Message]:
    """The messages that still exist where something can be changed."""
    return [
        message
        for message in recorded.messages
        if message.deleted_at is None and message.channel not in recorded.archived
    ]


def _job_of(message: Message) -> str:
    """The id of the job or plan that a message is about, "" for other messages."""
    return "" if message.is_reply else str(message.payload.get("job_id", ""))


def _state(content: Content) -> str:
    payload: dict[str, Any] = (content.metadata or {}).get("event_payload", {})
    return str(payload.get("state", "")) if "job_id" in payload else ""


def _tells(message: Message, job: Job) -> bool:
    """Whether a message notifies the job's person of the verdict when it is posted."""
    if message.payload.get("mention_of") == job.id:
        return True
    return _job_of(message) == job.id and _is_posted_again(message)
