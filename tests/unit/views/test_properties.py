"""With any text from outside, messages are built, Slack accepts them, and nobody is mentioned."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.commands.names import NotFound
from bot.domain.commands.table import Reply
from bot.domain.errors import BotError
from bot.domain.jobs.model import ID_ALPHABET, Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    RestartCondition,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from bot.views.errors import done, failed, refused, reply_message, unknown_service
from bot.views.jobs.list import jobs_message
from bot.views.jobs.message import job_message, thread_mention
from bot.views.status.stack import FooterFacts, service_status_message, status_message
from tests.unit.hostile import assert_slack_takes, hostile, moments

often = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PEOPLE = ("U123", "W456")
users = st.one_of(st.sampled_from(PEOPLE), hostile.filter(lambda text: not text.isalnum()))
names = hostile.map(lambda text: text[:63])
counts = st.integers(-5, 10_000)
causes = st.builds(
    Cause,
    st.sampled_from(CauseKind),
    hostile,
    raw=hostile,
    exit_code=st.none() | counts,
    node_id=names,
)
outcomes = st.builds(
    Outcome,
    st.sampled_from(Verdict),
    hostile,
    advice=hostile,
    cause=st.none() | causes,
    running=counts,
    desired=counts,
    provisional=st.booleans(),
    evidence=hostile,
    evidence_title=hostile,
    can_roll_back=st.booleans(),
)
slots = st.builds(
    SlotProgress,
    st.one_of(st.integers(0, 500).map(str), names),
    st.one_of(st.sampled_from(TaskState).map(lambda state: state.name.lower()), names),
    names,
    hostile,
    st.integers(0, 50),
    st.booleans(),
)
many_slots = st.one_of(
    st.lists(slots, max_size=4), slots.map(lambda slot: [slot] * 100), st.just([])
).map(tuple)
progress = st.builds(ServiceProgress, names, counts, counts, hostile, many_slots, counts)
targets = st.builds(
    Target,
    names,
    names,
    counts,
    before=st.none() | counts,
    changed=st.booleans(),
    image=st.just("") | hostile,
    image_before=st.just("") | hostile,
)
few = st.lists(targets, min_size=1, max_size=10).map(tuple)
maybe = st.none()
jobs = st.builds(
    Job,
    st.text(ID_ALPHABET, min_size=6, max_size=6),
    st.sampled_from(["scale", "restart", "rollback", "deploy", "drain"]),
    names,
    hostile,
    users,
    st.just("C1"),
    moments,
    few,
    state=st.sampled_from(JobState),
    started=maybe | moments,
    finished=maybe | moments,
    progress=st.lists(maybe | progress, max_size=10).map(tuple),
    outcomes=st.lists(maybe | outcomes, max_size=10).map(tuple),
    cancelled_by=st.just("") | users,
    watched_until=maybe | moments,
    revised=st.booleans(),
    foretold=st.lists(hostile, max_size=12).map(tuple),
)
nodes = st.builds(
    Node,
    st.sampled_from([f"n{index}" for index in range(12)]),
    names,
    st.sampled_from(NodeState),
    st.sampled_from(Availability),
    role=st.sampled_from(["manager", "worker"]),
    manager=st.sampled_from(["", "leader", "reachable", "unreachable"]),
    message=hostile,
)
services = st.builds(
    Service,
    st.sampled_from([f"s{index}" for index in range(6)]),
    names,
    st.just(1),
    st.sampled_from(Mode),
    maybe | st.integers(0, 100),
    image=hostile,
    stack=names,
    constraints=st.lists(hostile, max_size=2).map(tuple),
    restart=st.sampled_from(RestartCondition),
    update=st.sampled_from(UpdateState),
    update_message=hostile,
    update_started=maybe | moments,
)
tasks = st.builds(
    Task,
    hostile,
    st.sampled_from([f"s{index}" for index in range(6)]),
    st.integers(0, 20),
    st.sampled_from(["", *(f"n{index}" for index in range(14))]),
    st.sampled_from(TaskState),
    st.sampled_from(TaskState),
    since=moments,
    created=moments,
    err=hostile,
    exit_code=maybe | st.integers(-1, 300),
    up_to_date=st.booleans(),
)
looks = st.builds(
    StackLook,
    moments,
    names,
    st.lists(services, max_size=6, unique_by=lambda service: service.id).map(tuple),
    st.lists(tasks, max_size=40).map(tuple),
    st.lists(nodes, max_size=12, unique_by=lambda node: node.id).map(tuple),
)
facts = st.builds(
    FooterFacts,
    jobs=maybe | st.lists(jobs, max_size=2).map(tuple),
    feed=st.sampled_from(["push", "poll"]),
    feed_lag=moments,
    feed_trouble=hostile,
)


@often
@given(jobs, moments, st.integers(-1, 50), names)
def test_every_job_has_a_message_that_slack_accepts(job, now, ahead, behind):
    message = job_message(job, now, ahead, behind)

    assert_slack_takes(message, PEOPLE)
    assert message.metadata is not None
    assert {type(value) for value in message.metadata.payload.values()} <= {str, int, type(None)}


@often
@given(jobs)
def test_every_job_has_a_mention_that_slack_accepts(job):
    assert_slack_takes(thread_mention(job), PEOPLE)


@often
@given(st.lists(jobs, max_size=3), st.lists(jobs, max_size=3), moments)
def test_every_list_of_jobs_is_accepted(active, recent, now):
    assert_slack_takes(jobs_message(active * 10, recent * 10, now), PEOPLE)


@often
@given(looks, facts)
def test_every_look_has_a_status_that_slack_accepts(look, surroundings):
    assert_slack_takes(status_message(look, surroundings), PEOPLE)


@often
@given(looks, facts)
def test_every_service_has_a_status_that_slack_accepts(look, surroundings):
    for service in look.services[:2]:
        assert_slack_takes(service_status_message(look, service, surroundings), PEOPLE)


@often
@given(hostile, hostile, st.builds(NotFound, hostile, st.lists(hostile, max_size=3).map(tuple)))
def test_every_refusal_is_accepted_and_says_that_nothing_was_changed(sentence, hint, found):
    refusals = [
        refused(f"Sentence {sentence}", hint),
        failed(BotError(f"Sentence {sentence}", hint=hint)),
        failed(unknown_service(found, sentence)),
        reply_message(Reply("Problem", "Hint")),
    ]

    for message in refusals:
        assert_slack_takes(message)
        assert "nothing was changed" in message.text.lower()
    assert_slack_takes(done(f"Sentence {sentence}"))
