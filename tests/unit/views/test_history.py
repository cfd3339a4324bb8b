"""Versions and the catalog as people read them, accepted by Slack for any names."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.deploys.catalog import StackEntry
from bot.domain.deploys.version import Version
from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    ReplicaRule,
    Replicas,
    ServiceChange,
)
from bot.domain.jobs.verdict import Verdict
from bot.domain.swarm.health import Grade
from bot.views.history import history_message
from bot.views.slack.phone import LINE, displayed
from bot.views.stacks import stacks_message
from tests.unit.hostile import assert_slack_takes, hostile, moments

FIRST = Version(
    "orochi",
    "aaaaaa",
    "U1",
    1.7e9,
    Verdict.CONVERGED,
    "",
    {"orochi_web": "busy:1", "orochi_db": "pg:1"},
    {"orochi_web": 1, "orochi_db": 1},
    number=1,
    bundle="a",
)
SECOND = replace(
    FIRST,
    job="bbbbbb",
    user="U2",
    verdict=Verdict.CRASH_LOOPING,
    images={"orochi_web": "busy:2", "orochi_db": "pg:1"},
    number=2,
    bundle="b",
)
THIRD = replace(FIRST, job="cccccc", number=3)


NOW = FIRST.at + 300


def text_of(message) -> str:
    texts = [block.get("text") or block["elements"][0] for block in message.blocks]
    return "\n".join(each["text"] for each in texts)


def test_versions_are_listed_newest_first_with_person_and_verdict():
    told = text_of(history_message("orochi", (THIRD, SECOND, FIRST), NOW))
    *lines, hint = told.split("\n")

    assert lines == [
        "*Versions of orochi*, newest first:",
        "*3* · ✅ Converged · 5 min ago · <@U1>",
        "    the files of version 1 · job `cccccc`",
        "*2* · ❌ Crash looping · 5 min ago · <@U2>",
        "    web 1 → 2 · job `bbbbbb`",
        "*1* · ✅ Converged · 5 min ago · <@U1>",
        "    2 services · job `aaaaaa`",
    ]
    assert max(map(displayed, lines)) <= LINE
    assert "no version with other files succeeded before version 3" in hint


def test_each_change_has_a_line_up_to_three():
    images = {f"orochi_s{n}": f"registry.example.com/team/s{n}:1" for n in range(5)}
    newer = {name: image.replace(":1", ":2") for name, image in images.items()}
    versions = (replace(SECOND, images=newer), replace(FIRST, images=images))
    lines = text_of(history_message("orochi", versions, NOW)).split("\n")

    assert lines[2:6] == [
        "    s0 1 → 2 · job `bbbbbb`",
        "    s1 1 → 2",
        "    s2 1 → 2",
        "    and 2 more changed",
    ]


def test_a_version_with_other_configs_alone_says_so():
    first = replace(FIRST, files=("config/orochi_a-11111111",))
    second = replace(first, job="dddddd", number=2, bundle="c")
    other = replace(second, files=("config/orochi_a-22222222",))

    assert "    no image changed" in text_of(history_message("orochi", (second, first), NOW))
    assert "    other configs or secrets" in text_of(history_message("orochi", (other, first), NOW))


def test_the_rollback_target_is_named_if_there_is_one():
    told = text_of(history_message("orochi", (SECOND, FIRST), NOW, back="/o rollback shop/"))
    assert told.endswith("`/o rollback shop/` shows a plan to go back to version 1.")


def test_a_version_without_stored_files_says_so():
    told = text_of(history_message("orochi", (SECOND, replace(FIRST, bundle="")), NOW))
    assert "2 services · files no longer kept" in told
    assert "The files of version 1 of stack `orochi` are no longer kept." in told


def test_a_stack_without_versions():
    message = history_message("orochi", (), NOW)
    assert message.text == "No versions yet: the bot has not deployed the stack orochi."


def changed(name: str, action: PlanAction | None, *fields: Difference, **more) -> ServiceChange:
    return ServiceChange(f"orochi_{name}", action, fields=fields, **more)


DRIFT = Plan(
    "orochi",
    (
        PlanStep(Kind.NETWORK, PlanAction.CREATE, "orochi_default"),
        PlanStep(Kind.SERVICE, PlanAction.UPDATE, "orochi_web"),
    ),
    (
        changed("db", PlanAction.CREATE),
        changed("extra", PlanAction.REMOVE),
        changed("same", None, replicas=Replicas(3, 1, 3, ReplicaRule.SCALED)),
        changed(
            "web",
            PlanAction.UPDATE,
            Difference("image", "busy:9", "busy:1"),
            Difference("environment A", "1", ""),
            Difference("environment B", "", "2"),
            Difference("replicas", "1", "1"),
        ),
    ),
)


def test_manual_changes_are_named_by_field():
    entry = StackEntry(
        "orochi", has_file=True, grades=(Grade.WELL,) * 4, version=FIRST, drift=DRIFT
    )
    message = stacks_message([entry])

    assert message.text == "1 stack, 1 changed by hand since its deploy"
    head, *lines = text_of(message).split("\n")[:-1]
    assert head.startswith(
        "🟡 *orochi* · 4 services in the swarm · version 1, converged, by <@U1>, "
    )
    assert head.endswith(" · *drifted*: 4 changed")
    assert [each.strip(" •") for each in lines] == [
        "*db* was removed",
        "*extra* is not in the deployed version",
        (
            "*web*: image `busy:9`, deployed `busy:1`; environment A `1` was added; "
            "environment B `2` was removed"
        ),
        "network orochi_default is missing",
        "scaled by hand (a deploy keeps it): same 3 (file: 1)",
    ]


def test_each_stack_shows_its_state():
    entries = [
        StackEntry("files", has_file=True, grades=()),
        StackEntry("strange", has_file=False, grades=(Grade.WELL,) * 2),
        StackEntry("torn", has_file=True, grades=(Grade.WELL,), version=SECOND, trouble="No luck."),
        StackEntry(
            "well", has_file=True, grades=(Grade.WELL,), version=FIRST, drift=Plan("well", (), ())
        ),
    ]
    torn, files, strange, well = text_of(stacks_message(entries)).split("\n")[:-1]

    assert files == "⚪ *files* · not in the swarm · not deployed by the bot"
    assert strange == (
        "🟢 *strange* · 2 services in the swarm · no stack file, so it cannot be deployed · "
        "not deployed by the bot"
    )
    assert torn.startswith("🟡 *torn* · 1 service in the swarm · version 2, crash looping, by")
    assert torn.endswith(" · drift unknown: No luck.")
    assert well.endswith(" · as deployed")


def test_stacks_that_need_attention_come_first():
    """Otherwise they would be among those that one message has no room for."""
    well = StackEntry("a", has_file=True, grades=(Grade.WELL,))
    odd = [
        StackEntry("x1", has_file=True, grades=(Grade.WELL, Grade.BAD)),
        StackEntry("w2", has_file=True, grades=(Grade.WELL,), deploying=True),
        StackEntry("v3", has_file=True, grades=(Grade.WELL,), version=FIRST, drift=DRIFT),
    ]
    message = stacks_message([*(replace(well, name=f"a{n}") for n in range(90)), *odd[::-1]])

    assert message.text == "93 stacks, 1 unhealthy, 1 changed by hand since its deploy"
    shown = [each for each in text_of(message).split("\n") if " · " in each]
    assert [each.split("*")[1] for each in shown[:4]] == ["x1", "w2", "v3", "a0"]


def test_the_catalog_without_a_folder_says_why_nothing_can_be_deployed():
    told = text_of(stacks_message([], trouble="Deploying is turned off. Name a folder."))
    assert told.endswith("Deploying is turned off. Name a folder.")


versions = st.builds(
    Version,
    hostile,
    hostile,
    hostile,
    moments,
    st.sampled_from(Verdict),
    st.just(""),
    st.dictionaries(hostile, hostile, max_size=30),
    st.just({}),
    number=st.integers(0, 10**6),
    bundle=st.sampled_from(["", "a", "b"]),
)
differences = st.builds(Difference, hostile, hostile, hostile)
changes = st.builds(
    ServiceChange,
    hostile,
    st.sampled_from([None, *PlanAction]),
    fields=st.lists(differences, max_size=6).map(tuple),
    replicas=st.builds(
        Replicas, st.integers(0, 9), st.integers(0, 9), st.none(), st.sampled_from(ReplicaRule)
    ),
)
steps = st.builds(PlanStep, st.sampled_from(Kind), st.sampled_from(PlanAction), hostile)
plans = st.builds(
    Plan, hostile, st.lists(steps, max_size=4).map(tuple), st.lists(changes, max_size=9).map(tuple)
)
entries = st.builds(
    StackEntry,
    hostile,
    st.booleans(),
    st.lists(st.sampled_from(Grade), max_size=5).map(tuple),
    st.booleans(),
    st.none() | versions,
    st.none() | plans,
    hostile,
)
often = settings(max_examples=60)  # each example has many hostile texts


@often
@given(hostile, st.lists(versions, max_size=20), moments, hostile)
def test_slack_accepts_every_history(stack: str, found: list[Version], now: float, command: str):
    message = history_message(stack, found, now, back=command)
    assert_slack_takes(message, {each.user for each in found})
    json.dumps(message.text)


@often
@given(st.lists(entries, max_size=12), hostile)
def test_slack_accepts_every_catalog(found: list[StackEntry], trouble: str):
    users = {each.version.user for each in found if each.version}
    assert_slack_takes(stacks_message(found, trouble=trouble), users)


def test_entries_beyond_one_message_are_counted():
    many = [replace(FIRST, number=n, images={f"orochi_{i}" * 3: f"x{n}" * 40 for i in range(60)})
            for n in range(20, 0, -1)]  # fmt: skip
    assert_slack_takes(history_message("orochi", many, NOW), {"U1"})
    entry = StackEntry(
        "orochi", has_file=True, grades=(Grade.WELL,) * 4, version=FIRST, drift=DRIFT
    )
    message = stacks_message([replace(entry, name=f"stack{n}") for n in range(60)])
    assert_slack_takes(message, {"U1"})
    assert "more stacks" in text_of(message)
