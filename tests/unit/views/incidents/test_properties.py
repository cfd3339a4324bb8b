"""With any text from outside, the messages of incidents are built and Slack accepts them."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.incidents.model import Incident, IncidentState, NamedJob
from bot.domain.swarm.causes import Cause, CauseKind
from bot.views.incidents.list import incidents_message
from bot.views.incidents.message import incident_message, reminder_message
from tests.unit.hostile import assert_slack_takes, hostile, moments

often = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PEOPLE = ("U123", "W456")
users = st.one_of(st.sampled_from(PEOPLE), hostile.filter(lambda text: not text.isalnum()))
counts = st.integers(-5, 10_000)
many = st.one_of(
    st.lists(hostile, max_size=3), hostile.map(lambda name: [name] * 100), st.just([])
).map(tuple)
causes = st.builds(
    Cause, st.sampled_from(CauseKind), hostile, raw=hostile, exit_code=st.none() | counts
)
maybe = st.none()
named = st.builds(NamedJob, hostile, hostile, users, moments, way_back=counts)
incidents = st.builds(
    Incident,
    st.text("abc234", min_size=6, max_size=6),
    st.sampled_from(["s|x", "node:n1"]),
    hostile,
    st.just("s"),
    causes,
    st.sampled_from(IncidentState),
    moments,
    moments,
    count=counts,
    last_task=st.just("t1"),
    node=hostile,
    slots=many,
    nodes=many,
    services=many,
    unplaced=many,
    stack=hostile,
    late=st.booleans(),
    acknowledged_by=users,
    acknowledged=maybe | moments,
    resolved=maybe | moments,
    resolution=hostile,
    reopened=counts,
    silenced_until=maybe | moments,
    silenced_by=users,
    evidence=hostile,
    evidence_title=hostile,
    began_after=maybe | named,
    ended_after=maybe | named,
)


@often
@given(incidents, moments, hostile)
def test_every_incident_message_is_accepted_and_mentions_nobody(incident, now, command):
    assert_slack_takes(incident_message(incident, now), PEOPLE)
    assert_slack_takes(reminder_message(incident, now, command), PEOPLE)


@often
@given(
    st.one_of(st.lists(incidents, max_size=3), incidents.map(lambda one: [one] * 60)),
    st.lists(incidents, max_size=3),
    moments,
    hostile,
)
def test_every_list_is_accepted_and_mentions_nobody(open_ones, recent, now, service):
    assert_slack_takes(incidents_message(open_ones, recent, now, service=service), PEOPLE)
