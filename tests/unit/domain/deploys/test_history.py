"""Which version is the rollback target, and what a version changed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.domain.deploys.history import (
    former,
    image_changes,
    replicas_before,
    same_files,
    undone_by,
    way_back,
)
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.verdict import Verdict

WELL, BAD = Verdict.CONVERGED, Verdict.CRASH_LOOPING


def version(number: int, files: str, verdict: Verdict = WELL, **images: str) -> Version:
    named = {f"orochi_{name}": image for name, image in images.items()}
    return Version(
        "orochi", f"job{number}", "U1", 0.0, verdict, "", named, {}, number=number, bundle=files
    )


def removal(number: int, verdict: Verdict = WELL, **before: int) -> Version:
    named = {f"orochi_{name}": count for name, count in before.items()}
    return replace(version(number, "", verdict), removed=True, before=named)


def newest_first(*versions: Version) -> tuple[Version, ...]:
    return tuple(reversed(versions))


@pytest.mark.parametrize(
    ("versions", "number"),
    [
        ((version(1, "a"), version(2, "b", BAD)), 1),
        ((version(1, "a"), version(2, "b")), 1),
        ((version(1, "a"), version(2, "b", BAD), version(3, "c", BAD)), 1),
        ((version(1, "a"), version(2, "b"), version(3, "b")), 1),
        ((version(1, "a"), version(2, "b"), version(3, "a")), 2),
        ((version(1, "a"), version(2, "a", BAD)), 1),
        ((version(1, "a", Verdict.COMPLETED), version(2, "b", BAD)), 1),
        ((version(1, "a"), removal(2)), 1),
        ((version(1, "a"), version(2, "b", BAD), removal(3)), 1),
        ((version(1, "a"), removal(2, Verdict.CANCELLED)), 1),
        ((version(1, "a"), removal(2, Verdict.TIMED_OUT), removal(3)), 1),
        ((version(1, "a"), removal(2), version(3, "b", BAD)), 1),
        ((version(1, "a"), removal(2), version(3, "b")), 1),
        ((version(1, "a"), removal(2), version(3, "a"), removal(4)), 3),
    ],
)
def test_the_rollback_target_is_the_last_other_good_version(
    versions: tuple[Version, ...], number: int
):
    assert way_back("orochi", newest_first(*versions)).number == number


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ((), "the bot has not deployed it yet"),
        ((version(1, "a"),), "no version with other files succeeded before version 1"),
        ((version(1, "a", BAD), version(2, "b")), "succeeded before version 2"),
        ((version(1, "a"), version(2, "b", BAD), version(3, "a")), "before version 3"),
        ((version(1, "a"), removal(2), version(3, "a")), "before version 3"),
        ((removal(1),), "none succeeded"),
        ((version(1, ""), version(2, "b", BAD)), "The files of version 1 of stack"),
    ],
)
def test_a_missing_rollback_target_has_a_reason(versions: tuple[Version, ...], why: str):
    with pytest.raises(RefusedError, match=re.escape(why)):
        way_back("orochi", newest_first(*versions))


def test_a_good_version_has_a_rollback_target_too():
    """Its verdict may be revised."""
    assert undone_by(()) == 0
    assert undone_by(newest_first(version(1, "a"))) == 0
    assert undone_by(newest_first(version(1, "a"), version(2, "b"))) == 1
    assert undone_by(newest_first(version(1, "a"), version(2, "b", BAD))) == 1


def test_a_service_can_be_rolled_back_to_any_good_version():
    """Each set of files is listed once, newest first."""
    versions = newest_first(
        version(1, "a"), version(2, "b"), version(3, "c", BAD), version(4, "b"), version(5, "")
    )
    assert [each.number for each in former(versions)] == [4, 1]


def test_image_changes_are_shown_by_tag_or_by_digest_if_the_tag_is_equal():
    before = version(
        1, "a", web="busy:1@sha256:aa", db="pg:1@sha256:1234567890123", old="x", same="y:1"
    )
    after = version(
        2, "b", web="busy:2@sha256:bb", db="pg:1@sha256:abcdefabcdefabc", new="x", same="y:1"
    )
    assert image_changes(after, before) == (
        "db 1234567 → abcdefa",
        "new added",
        "old removed",
        "web 1 → 2",
    )
    assert image_changes(before, None) == ()
    assert image_changes(before, before) == ()


def test_restored_files_are_named_by_the_first_version_that_had_them():
    versions = newest_first(version(1, "a"), version(2, "b"), version(3, "a"), version(4, ""))
    assert [same.number if (same := same_files(v, versions)) else 0 for v in versions] == [
        0,
        1,
        0,
        0,
    ]


def test_the_replicas_before_the_versions_that_are_undone():
    """Of several changes, the oldest one says how many there were."""
    versions = [
        Version("s", "j4", "U1", 4.0, Verdict.FAILED, "d", {}, {}, 4, before={"s_web": 3}),
        Version("s", "j3", "U1", 3.0, Verdict.CONVERGED, "d", {}, {}, 3, before={"s_web": 1}),
        Version("s", "j2", "U1", 2.0, Verdict.CONVERGED, "d", {}, {}, 2, before={"s_web": 9}),
    ]

    assert replicas_before(versions, 2) == {"s_web": 1}
    assert replicas_before(versions, 4) == {}


def test_a_removed_stack_has_no_files_to_go_back_to():
    """Neither for one of its services, nor as files that were deployed before."""
    versions = newest_first(version(1, "a"), removal(2, web=5), version(3, "a"))

    assert former(versions) == (versions[0],)
    assert undone_by(versions[1:]) == 1
    assert undone_by(newest_first(version(1, "a"), removal(2, BAD))) == 1
    assert same_files(versions[0], versions) == versions[2]
    assert same_files(versions[1], versions) is None
    assert same_files(versions[1], (*versions, removal(0))) is None


def test_the_replicas_before_a_removal_come_back():
    """Also those of a service that the removed version had scaled."""
    scaled = replace(version(2, "b"), before={"orochi_web": 2, "orochi_db": 1})
    versions = newest_first(version(1, "a"), scaled, removal(3, web=5, api=4))

    assert replicas_before(versions, 2) == {"orochi_web": 5, "orochi_api": 4}
    assert replicas_before(versions, 1) == {"orochi_web": 2, "orochi_db": 1, "orochi_api": 4}


def test_of_several_removals_the_last_one_counts():
    versions = newest_first(
        version(1, "a"), removal(2, web=4), version(3, "b", BAD), removal(4, web=2)
    )

    assert replicas_before(versions, 1) == {"orochi_web": 2}


def test_without_a_service_in_the_swarm_the_newest_good_version_comes_back():
    """Someone removed the stack without the bot."""
    versions = newest_first(version(1, "a"), version(2, "b"), version(3, "c", BAD))

    assert way_back("orochi", versions, gone=True).number == 2
    assert way_back("orochi", versions[1:], gone=True).number == 2
    assert way_back("orochi", versions[1:]).number == 1
