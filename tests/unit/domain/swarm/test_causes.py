"""The classifier of causes, over all error texts that real swarms gave."""

from __future__ import annotations

import pytest

from bot.domain.convergence.wording import judge_health, judge_memory
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import (
    CauseKind,
    classify,
    exit_words,
    human_bytes,
    killed_alike,
    killed_for_memory,
    short_error,
    with_oom,
)
from bot.domain.swarm.model import Resources, TaskState
from tests.unit.looks import (
    COMPLETE,
    FAILED,
    PENDING,
    REJECTED,
    RUNNING,
    SHUTDOWN,
    STARTING,
    a_service,
    a_task,
    failed,
)

MIB = 1024 * 1024
NFS = (
    "starting container failed: error while mounting volume '/data/volumes/q3_nfs/_data': "
    "failed to mount local volume: mount :/var/nfs/media:/data/volumes/q3_nfs/_data, "
    "data: addr=10.99.99.99,nolock,soft,nfsvers=4: no such device"
)
NFS_NAME = (
    "starting container failed: error while mounting volume '/data/volumes/q3_nfsd/_data': error "
    "resolving passed in network volume address: lookup nfs_server_ip on 10.255.255.53:53: read "
    "udp 10.77.0.3:36975->10.255.255.53:53: read: connection refused"
)
NO_COMMAND = (
    "starting container failed: failed to create shim task: OCI runtime create failed: runc "
    'create failed: unable to start container process: exec: "/no/such/bin": stat /no/such/bin: '
    "no such file or directory: unknown"
)
BIND = 'invalid mount config for type "bind": bind source path does not exist: /var/nfs/media'
FILE_OVER_FOLDER = (
    "starting container failed: failed to create task for container: failed to create shim task: "
    "OCI runtime create failed: runc create failed: unable to start container process: error "
    'during container init: error mounting "/etc/x" to rootfs at "/x": not a directory: unknown'
)
PORT = (
    "starting container failed: driver failed programming external connectivity on endpoint "
    "web.1: Bind for 0.0.0.0:80 failed: port is already allocated"
)

SEEN = [
    ("exits 1", FAILED, "task: non-zero exit (1)", 1, "exit_code"),
    ("killed without a limit", FAILED, "task: non-zero exit (137)", 137, "exit_code"),
    ("a shell misses a command", FAILED, "task: non-zero exit (127)", 127, "exit_code"),
    ("image missing", REJECTED, "No such image: orochi/nope:1", 0, "image_missing"),
    (
        "pull refused",
        REJECTED,
        "pull access denied for x, repository does not exist or may require 'docker login'",
        None,
        "pull_denied",
    ),
    (
        "manifest unknown",
        REJECTED,
        "manifest for a:9 not found: manifest unknown",
        0,
        "image_missing",
    ),
    ("command not found", FAILED, NO_COMMAND, 127, "start_failed"),
    ("host port taken on the node", FAILED, PORT, 128, "network_failed"),
    (
        "constraints",
        PENDING,
        "no suitable node (scheduling constraints not satisfied on 10 nodes)",
        None,
        "unschedulable",
    ),
    (
        "resources",
        PENDING,
        "no suitable node (insufficient resources on 10 nodes)",
        None,
        "unschedulable",
    ),
    (
        "unhealthy",
        FAILED,
        "task: non-zero exit (137): dockerexec: unhealthy container",
        137,
        "unhealthy",
    ),
    (
        "unhealthy, exits 5",
        FAILED,
        "task: non-zero exit (5): dockerexec: unhealthy container",
        5,
        "unhealthy",
    ),
    ("ended by itself", COMPLETE, "", 0, "ended"),
    ("NFS that the kernel lacks", FAILED, NFS, 128, "mount_failed"),
    ("NFS name that does not resolve", STARTING, NFS_NAME, 128, "mount_failed"),
    ("bind source missing", REJECTED, BIND, None, "mount_failed"),
    ("file mounted over a folder", FAILED, FILE_OVER_FOLDER, 127, "mount_failed"),
    ("failed without a word", FAILED, "", None, "start_failed"),
]


@pytest.mark.parametrize(
    ("state", "err", "code", "kind"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN]
)
def test_every_seen_error_text_has_its_cause(state: TaskState, err: str, code: int, kind: str):
    cause = classify(a_task("t", state=state, err=err, exit_code=code), a_service())

    assert cause is not None
    assert cause.kind.value == kind
    assert cause.raw == err
    assert cause.text


@pytest.mark.parametrize("state", [RUNNING, SHUTDOWN, STARTING, PENDING])
def test_a_task_with_nothing_wrong_has_no_cause(state: TaskState):
    assert classify(a_task("t", state=state)) is None


def test_a_cause_names_its_task_place_node_and_container():
    cause = classify(failed("abc", 4, 3))

    assert cause is not None
    assert (cause.task_id, cause.place, cause.node_id) == ("abc", "4", "n1")
    assert (cause.container_id, cause.exit_code) == ("c", 3)


def test_a_rejected_task_had_no_exit_code():
    cause = classify(a_task("t", state=REJECTED, err="No such image: a", exit_code=0))

    assert cause is not None
    assert cause.exit_code is None


def test_the_exit_code_is_read_from_the_text_if_the_container_is_gone():
    cause = classify(a_task("t", state=FAILED, err="task: non-zero exit (42)"))

    assert cause is not None
    assert cause.exit_code == 42


def test_a_kill_with_a_memory_limit_is_probably_memory_and_says_so():
    service = a_service(limit=Resources(memory=16 * MIB))

    cause = classify(failed("t", code=137), service)

    assert cause is not None
    assert cause.kind is CauseKind.OUT_OF_MEMORY
    assert cause.text.startswith("Probably out of memory")
    assert "16 MiB" in cause.text


@pytest.mark.parametrize(
    ("killed", "kind", "words"),
    [
        (True, CauseKind.OUT_OF_MEMORY, "The kernel killed the container for memory"),
        (False, CauseKind.EXIT_CODE, "recorded no out-of-memory kill; its memory limit is 16 MiB"),
        (None, CauseKind.OUT_OF_MEMORY, "Probably"),
    ],
)
def test_the_engines_record_decides_about_exit_137(
    killed: bool | None, kind: CauseKind, words: str
):
    service = a_service(limit=Resources(memory=16 * MIB))
    cause = classify(failed("t", code=137), service)
    assert cause is not None

    settled = with_oom(cause, killed, 16 * MIB)

    assert settled.kind is kind
    assert words in settled.text


def test_a_recorded_kill_makes_a_plain_137_out_of_memory_even_without_a_limit():
    cause = classify(failed("t", code=137), a_service())
    assert cause is not None

    settled = with_oom(cause, True, 0)

    assert settled.kind is CauseKind.OUT_OF_MEMORY
    assert "no memory limit" in settled.text


def test_a_recorded_kill_changes_nothing_about_other_failures():
    cause = classify(failed("t", code=1), a_service())
    unhealthy = classify(
        failed("t", code=137, err="task: non-zero exit (137): unhealthy container")
    )
    assert cause is not None
    assert unhealthy is not None

    assert with_oom(cause, True, 0) == cause
    assert with_oom(unhealthy, True, 0) == unhealthy


def test_kills_that_were_not_recorded_turn_out_of_memory_into_crash_looping():
    cause = classify(failed("t", code=137), a_service(limit=Resources(memory=MIB)))
    assert cause is not None
    text = cause.text[:1].lower() + cause.text[1:]
    outcome = Outcome(Verdict.OUT_OF_MEMORY, f"0/1 running: {text}.", cause=cause)

    settled = judge_memory(outcome, False, MIB)

    assert settled.verdict is Verdict.CRASH_LOOPING
    assert "no out-of-memory kill" in settled.reason
    assert "robably" not in settled.reason


def test_a_kill_for_memory_turns_crash_looping_into_out_of_memory_and_keeps_other_verdicts():
    cause = classify(failed("t", code=137), a_service())
    assert cause is not None
    looping = Outcome(Verdict.CRASH_LOOPING, "x", cause=cause)
    rolled_back = Outcome(Verdict.ROLLED_BACK, "x", cause=cause)

    assert judge_memory(looping, True, 0).verdict is Verdict.OUT_OF_MEMORY
    assert judge_memory(rolled_back, True, 0).verdict is Verdict.ROLLED_BACK
    assert judge_memory(Outcome(Verdict.PAUSED, "x"), True, 0) == Outcome(Verdict.PAUSED, "x")


@pytest.mark.parametrize(
    ("records", "killed"),
    [
        ((None,), None),
        ((False,), None),
        ((False, None, None), None),
        ((False, None, False), False),
        ((None, False, False), False),
        ((False, False, True), True),
        ((None, True), True),
    ],
)
def test_a_missing_record_counts_only_for_several_tasks(
    records: tuple[bool | None, ...], killed: bool | None
):
    assert killed_for_memory(records) is killed


def test_the_latest_four_similar_ends_are_checked():
    alike = [failed(f"t{at}", code=137, since=20.0 - at) for at in range(10)]
    other = failed("other", code=1, since=30.0)
    before = failed("before", code=137, since=30.0, up_to_date=False)
    runs = a_task("runs")

    assert killed_alike(alike[0], [other, before, runs, *reversed(alike)]) == tuple(alike[1:5])


def test_an_exit_0_may_be_caused_by_the_health_check():
    cause = classify(a_task("t", state=COMPLETE), a_service(has_health_check=True))

    assert cause is not None
    assert "unhealthy" in cause.text


def test_errors_are_shown_without_their_generic_prefixes():
    assert short_error(NO_COMMAND).startswith('exec: "/no/such/bin"')
    assert short_error("task: non-zero exit (1)") == ""
    assert short_error(NFS).startswith("mount :/var/nfs/media")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "exit 1 (general error)"),
        (139, "exit 139 (segmentation fault, SIGSEGV)"),
        (77, "exit 77"),
    ],
)
def test_exit_codes_come_with_their_usual_meaning(code: int, words: str):
    assert exit_words(code) == words


@pytest.mark.parametrize(
    ("count", "words"), [(16 * MIB, "16 MiB"), (1536 * MIB, "1.5 GiB"), (MIB // 2, "0.5 MiB")]
)
def test_memory_is_formatted_for_people(count: int, words: str):
    assert human_bytes(count) == words


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Verdict.CRASH_LOOPING, Verdict.UNHEALTHY),
        (Verdict.FAILED, Verdict.UNHEALTHY),
        (Verdict.PAUSED, Verdict.PAUSED),
        (Verdict.ROLLED_BACK, Verdict.ROLLED_BACK),
        (Verdict.TIMED_OUT, Verdict.TIMED_OUT),
    ],
)
def test_a_failed_health_check_names_the_cause_but_keeps_a_roll_back(
    before: Verdict, after: Verdict
):
    cause = classify(a_task("t", state=COMPLETE), a_service())

    settled = judge_health(Outcome(before, "x", cause=cause))

    assert settled.verdict is after
    assert settled.cause is not None
    assert settled.cause.kind is CauseKind.UNHEALTHY


def test_health_does_not_affect_other_causes():
    outcome = Outcome(Verdict.CRASH_LOOPING, "x", cause=classify(failed("t"), a_service()))

    assert judge_health(outcome) == outcome


def test_a_digest_in_an_error_is_cut():
    """Its 64 digits fill a phone's screen, three times."""
    image = f"reg.example/app:2@sha256:3f9a1b2c3f9a{'0' * 52}"
    missing = classify(a_task("t1", state=REJECTED, err=f"No such image: {image}"))

    assert missing is not None
    assert missing.text == "No such image: reg.example/app:2@sha256:3f9a1b2c3f9a…"
    assert short_error(f'manifest for "{image}" not found').endswith('3f9a1b2c3f9a…" not found')
