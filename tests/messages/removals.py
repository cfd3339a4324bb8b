"""``remove``: a plan that asks for the stack's name, and its job up to the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.deploys.decision import Decision
from bot.domain.errors import BotError
from bot.domain.jobs.deploy_plan import Kind
from bot.domain.jobs.model import REMOVAL, Job, JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.stack_removal import (
    OutsideUse,
    StackContents,
    StackPart,
    already_gone,
    cancelled_before,
    ended,
    not_confirmed,
    objection,
    plan_of,
    refused,
    rest_of,
    targets_of,
    unknown_stack,
    way_back_sentence,
)
from bot.views.jobs.proposal import closed_proposal, proposal
from tests.messages.job_kit import shown
from tests.messages.sample import ANN, AT, BOB, CHANNEL, COMMAND, Sample, Topic, error_message

NETWORK = StackPart(Kind.NETWORK, "n1", "shop_default")
PARTS = (
    StackPart(Kind.SERVICE, "s1", "shop_web", 3),
    StackPart(Kind.SERVICE, "s2", "shop_agent"),
    NETWORK,
    StackPart(Kind.CONFIG, "c1", "shop_nginx"),
    StackPart(Kind.SECRET, "x1", "shop_key"),
    StackPart(Kind.SECRET, "x2", "shop_token"),
)
SHOP = StackContents("shop", PARTS, volumes=("shop_data", "shop_media"))
GONE = Outcome(Verdict.CONVERGED, "Removed. All tasks have stopped.")
BUSY = "The engine says: network shop_default is in use by task 1x2y3z."


def topic() -> Topic:
    """What people see of it."""
    intro = "In the channel; refusals are visible only to the person who asked."
    return Topic("Removal of a stack", intro, (*_plans(), *_refusals(), *_jobs()))


def _plans() -> Iterator[Sample]:
    for title, version, has_file in (
        ("it can be rolled back", 4, True),
        ("only its file brings it back", 0, True),
        ("nothing brings it back", 0, False),
    ):
        told = way_back_sentence("shop", version, COMMAND, has_file=has_file)
        yield Sample(f"A plan: {title}", proposal(replace(_job(), foretold=(told,)), AT + 600))
    lost = "Version 4 has another image for web: web:1, not web:2."
    back = way_back_sentence("shop", 4, COMMAND, has_file=True)
    changed = replace(_job(), foretold=(back, lost))
    yield Sample("A plan: what the version does not restore", proposal(changed, AT + 600))
    small = StackContents("shop", (NETWORK,))
    bare = replace(_job(), plan=plan_of(small), targets=targets_of(plan_of(small)))
    yield Sample("A plan: a stack without services and volumes", proposal(bare, AT + 600))
    for decision in (Decision.CANCELLED, Decision.EXPIRED):
        closed = closed_proposal(_job(), decision, BOB, COMMAND)
        yield Sample(f"A plan that was {decision.value}", closed)


def _refusals() -> Iterator[Sample]:
    use = OutsideUse("blog_web", Kind.NETWORK, "shop_default")
    for title, error in (
        ("Not confirmed: nothing was typed", not_confirmed(_job(), "")),
        ("Not confirmed: another name", not_confirmed(_job(), "blog")),
        ("Refused: no such stack", unknown_stack("shpo", ("shop", "blog"), COMMAND)),
        ("Refused: removed before", unknown_stack("shop", (), COMMAND, deployed=True)),
        ("Refused: a network is in use", objection(replace(SHOP, uses=(use,)), COMMAND)),
        (
            "Refused: a one-off task uses it",
            objection(replace(SHOP, uses=(replace(use, run="k3f9ab"),)), COMMAND),
        ),
        ("Refused: the bot's own stack", objection(replace(SHOP, has_bot=True), COMMAND)),
    ):
        assert isinstance(error, BotError)
        yield Sample(title, error_message(error))


def _jobs() -> Iterator[Sample]:
    yield Sample("Queued", shown(_job(), ahead=1, queued_behind="m7p2xq"))
    yield Sample("Running: comparing", shown(replace(_job(), state=JobState.RUNNING)))
    stopping = ServiceProgress("shop_web", 2, 0, "removed; waiting for 2 containers to stop")
    yield Sample("Running: containers stop", shown(_running().with_progress(0, stopping)))
    wait = ServiceProgress("", 0, 0, f"the network shop_default is in use: {BUSY}")
    yield Sample("Running: a network is in use", shown(_gone().with_progress(2, wait)))
    left = rest_of(plan_of(SHOP))
    slow = Outcome(Verdict.TIMED_OUT, "Removed, but 1 of its containers did not stop.", "Look why.")
    for title, job in (
        ("removed", replace(ended(_gone(), (), ""), way_back=4)),
        ("the network stays in use", ended(_gone(), left[:1], BUSY)),
        ("a container does not stop", ended(_gone().with_outcome(1, slow), left[:1], BUSY)),
        ("cancelled while it ran", replace(ended(_running(), left, "", BOB), way_back=4)),
        ("cancelled before it began", cancelled_before(_job(), BOB)),
        ("out of date", refused(_job(), "The plan is out of date. The service x …", "Again.")),
        ("someone else was first", already_gone(_job())),
    ):
        over = replace(job, state=JobState.FINISHED, finished=AT + 20, confirmed_by=ANN)
        yield Sample(f"The end: {title}", shown(over))


def _job() -> Job:
    plan = plan_of(SHOP)
    told = way_back_sentence("shop", 4, COMMAND, has_file=True)
    return Job(
        "k3f9ab", REMOVAL, "shop", "remove shop", ANN, CHANNEL, AT, targets_of(plan),
        plan=plan, foretold=(told,),
    )  # fmt: skip


def _running() -> Job:
    """Its services are removed."""
    job = _job()
    made = tuple(replace(each, update_before=0.0, applied=AT + 1) for each in job.targets)
    return replace(job, targets=made, state=JobState.RUNNING)


def _gone() -> Job:
    """Their containers have stopped, too."""
    return _running().with_outcome(0, GONE).with_outcome(1, GONE)
