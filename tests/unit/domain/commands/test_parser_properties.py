"""Any text is parsed as a command or answered with a helpful reply."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands.parser import parse
from bot.domain.commands.table import (
    COMMANDS,
    Activate,
    Cancel,
    Command,
    Defaults,
    Deploy,
    Drain,
    Help,
    Join,
    ListIncidents,
    ListJobs,
    ListNodes,
    ListStacks,
    ListTasks,
    ListVersions,
    ListVolumes,
    ReadLogs,
    Remove,
    Reply,
    Restart,
    Resume,
    RollBack,
    Run,
    Scale,
    ScaleTarget,
    ShowMap,
    Status,
    as_text,
    spec_of,
)
from bot.domain.jobs.model import ID_ALPHABET, ID_LENGTH
from bot.domain.text.escaping import escape
from tests.unit.hostile import hostile

DEFAULTS = Defaults()
CURLY = "\u2018\u2019\u201c\u201d"
"""Phones type them for straight quotation marks, which they are taken for."""
WORDS = [row.name for row in COMMANDS]

pieces = st.sampled_from(
    [
        *WORDS,
        "worker01",
        "5",
        "=",
        "-2",
        "1e3",
        "<@U1|x>",
        "<!channel>",
        "to",
        "—yes",
        "`",
        "\u0665",
    ]
)
typed = st.one_of(
    hostile,
    st.lists(pieces, max_size=8).map(" ".join),
    st.lists(pieces, max_size=8).map("".join),
    st.tuples(st.sampled_from(WORDS), hostile).map(" ".join),
)
services = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,20}[A-Za-z0-9])?", fullmatch=True)
targets = st.lists(
    st.builds(ScaleTarget, services, st.integers(0, DEFAULTS.max_replicas)),
    min_size=1,
    max_size=10,
    unique_by=lambda target: target.service,
).map(tuple)
services_but_help = services.filter(lambda name: name.lower() not in {"help"})
arguments = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=CURLY)),
    min_size=1,
    max_size=5,
).map(tuple)
commands = st.one_of(
    st.builds(Scale, targets),
    st.builds(Restart, services_but_help),
    st.builds(Resume, services_but_help),
    st.builds(Run, services_but_help, arguments),
    st.builds(Remove, services_but_help),
    st.builds(RollBack, services_but_help),
    st.builds(RollBack, st.none(), st.booleans()),
    st.builds(Deploy, st.none() | services_but_help, st.booleans()),
    st.builds(ListIncidents, st.none() | services.filter(lambda name: name.lower() != "help")),
    st.builds(Status, st.none() | services_but_help),
    st.builds(ListJobs, st.none() | st.text(ID_ALPHABET, min_size=ID_LENGTH, max_size=ID_LENGTH)),
    st.builds(ListNodes, st.none() | services_but_help),
    st.builds(ListNodes, st.none(), st.booleans()),
    st.builds(ListVolumes, st.none() | services_but_help),
    st.just(ShowMap()),
    st.just(ListStacks()),
    st.builds(ListVersions, st.none() | services_but_help),
    st.builds(ListTasks, st.none() | services_but_help, st.booleans()),
    st.builds(
        ReadLogs,
        services.filter(lambda name: name.lower() != "help"),
        st.integers(0, 30 * 86400),
        st.integers(1, 5000),
        st.just("") | st.from_regex(r"[1-9][0-9]{0,2}", fullmatch=True),
        st.just("") | st.from_regex(r"[A-Za-z0-9:_.]{1,9}( [A-Za-z0-9:_.]{1,9})?", fullmatch=True),
    ),
    st.builds(Drain, services.filter(lambda name: name.lower() != "help")),
    st.builds(Activate, services.filter(lambda name: name.lower() != "help")),
    st.builds(Join, st.sampled_from(["worker", "manager"]), st.booleans()),
    st.builds(Cancel, st.text(ID_ALPHABET, min_size=ID_LENGTH, max_size=ID_LENGTH)),
    st.builds(Help, st.none() | st.sampled_from(WORDS)),
)


def assert_helpful(reply):
    assert 0 < len(reply.text) <= 3000
    assert reply.problem.strip()
    assert reply.text.endswith("Nothing was changed.") is reply.changes
    assert not re.search(r"[<>]", reply.text)
    assert reply.text.count("`") % 2 == 0
    reply.text.encode()


@given(typed)
def test_anything_typed_is_a_command_or_a_helpful_reply(text):
    result = parse(text, DEFAULTS)

    if isinstance(result, Reply):
        assert_helpful(result)
    else:
        assert isinstance(result, Command)


@given(typed)
def test_the_plain_form_of_a_command_is_parsed_as_the_same_command(text):
    result = parse(text, DEFAULTS)

    if not isinstance(result, Reply):
        assert parse(escape(as_text(result)), DEFAULTS) == result  # Slack escapes what is typed


@given(commands)
def test_every_command_is_parsed_from_its_own_text(command):
    assert parse(escape(as_text(command)), DEFAULTS) == command
    assert spec_of(command).name == as_text(command).split()[0]


@given(typed)
def test_no_number_and_no_service_is_invented(text):
    result = parse(text, DEFAULTS)

    if isinstance(result, Scale):
        for target in result.targets:
            assert 0 <= target.replicas <= DEFAULTS.max_replicas
            assert target.service in text or target.service == DEFAULTS.service


@given(hostile, hostile, st.integers(1, 10**6))
def test_any_settings_work(command, service, ceiling):
    defaults = Defaults(command or "/x", service, ceiling)

    for text in ("scale 5", "scale", "deploy", "scale worker01 to 3", ""):
        result = parse(text, defaults)
        if isinstance(result, Reply):
            assert_helpful(result)
