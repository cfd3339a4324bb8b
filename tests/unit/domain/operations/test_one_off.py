"""One-off tasks: names, labels, and what their end means."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from bot.domain.jobs.model import PendingCommand
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.one_off import (
    MOST_SHOWN,
    SHOWN,
    about_file,
    file_of,
    is_one_off,
    job_of,
    judged,
    labels_of,
    name_of,
    shown_command,
    whole_is_shown,
    with_output,
)
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Mode, Service

WEB = Service("s", "orochi_web", 1, Mode.REPLICATED, 2, stack="orochi")


def test_a_name_has_the_stack_and_the_job_and_is_never_too_long():
    long = Service("s", f"{'x' * 60}_web", 1, Mode.REPLICATED, 2, stack="x" * 60)
    alone = Service("s", "proxy", 1, Mode.REPLICATED, 2)

    assert name_of(WEB, "k3f9ab") == "orochi_run-k3f9ab"
    assert name_of(alone, "k3f9ab") == "run-k3f9ab"
    assert len(name_of(long, "k3f9ab")) == 63
    assert name_of(long, "k3f9ab").endswith("_run-k3f9ab")


def test_it_is_no_part_of_the_stack_and_raises_no_alerts():
    labels = labels_of(WEB, "k3f9ab")

    assert job_of(labels) == "k3f9ab"
    assert job_of({}) == ""
    assert "com.docker.stack.namespace" not in labels
    assert labels["orochi-bot.alerts"] == "off"


def test_the_end_is_that_of_the_command():
    cause = Cause(CauseKind.EXIT_CODE, "Exit 3", exit_code=3)
    absent = Cause(CauseKind.EXIT_CODE, "Exit 127", exit_code=127)
    refused = Cause(CauseKind.START_FAILED, "It could not start")

    assert judged(Outcome(Verdict.COMPLETED, "1/1")).reason == "The command ended with exit 0."
    failed = judged(Outcome(Verdict.FAILED, "0/1 running", "Look.", cause))
    assert (failed.verdict, failed.reason) == (Verdict.FAILED, "The command ended with exit 3.")
    lost = Cause(CauseKind.NODE_DOWN, "The node m-02 was lost", node_id="n2")
    gone = judged(Outcome(Verdict.FAILED, "0/1 completed; the node", "", lost))
    assert gone.reason == "The node m-02 was lost."
    assert gone.advice.startswith("Check what it did before you run it again")
    assert "have that program" in judged(Outcome(Verdict.FAILED, "", "", absent)).advice
    started = judged(Outcome(Verdict.FAILED, "0/1 running", "See `ps`.", refused))
    assert started.reason == "It could not start."
    assert started.advice == "Correct it, then run it again."


def test_no_advice_is_about_the_service_that_is_gone():
    """It is removed after the verdict, and never starts by itself."""
    usual = "See its tasks: `/orochi ps orochi_run-k3f9ab`; it then starts by itself."
    for verdict in (Verdict.UNSCHEDULABLE, Verdict.IMAGE_MISSING, Verdict.PULL_FAILED):
        advice = judged(Outcome(verdict, "0/1 running", usual)).advice

        assert "run it again" in advice
        assert "run-k3f9ab" not in advice


def test_secrets_in_the_command_are_masked():
    shown = shown_command(("psql", "--password=hunter2secret", "a b"))

    assert "hunter2secret" not in shown
    assert shown.startswith("psql ")
    assert shown.endswith("'a b'")


@pytest.mark.parametrize(
    "arguments",
    [
        ("echo", "--password", "a'b hunter2"),
        ("x", "PASSWORD=a b hunter2"),
        ("x", "--token=hunter2 b"),
        ("mysql", "-phunter2"),
        ("psql", "postgres://bob:hunter2@db/x"),
    ],
)
def test_a_secret_is_masked_whole(arguments: tuple[str, ...]):
    assert "hunter2" not in shown_command(arguments)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("mysql -u root -p hunter2 db", "mysql -u root -p ••• db"),
        ("/usr/bin/mysqldump -uroot -p'a b hunter2' db", "/usr/bin/mysqldump -uroot -p••• db"),
        ("docker exec db mariadb -p hunter2", "docker exec db mariadb -p •••"),
        ("sh -c 'mysql -p hunter2 db | wc -l'", "sh -c 'mysql -p ••• db | wc -l'"),
        ("redis-cli -a hunter2 ping", "redis-cli -a ••• ping"),
        ("cypher-shell -u neo4j -p hunter2", "cypher-shell -u neo4j -p •••"),
        ("app --username bob -p hunter2", "app --username bob -p •••"),
        ("app -u bob -p 12345678", "app -u bob -p •••"),
        ("app --password hunter2", "app --password •••"),
    ],
)
def test_a_password_after_a_short_option_is_masked(typed: str, shown: str):
    assert shown_command(shlex.split(typed)) == shown


@pytest.mark.parametrize(
    "typed",
    [
        "mkdir -p dir/sub",
        "mkdir -p cache",
        "sudo -u www-data mkdir -p cache",
        "sh -c 'mysql -e x; mkdir -p cache'",
        "docker run -u 1000 -p 8080:80 nginx",
        "docker run -u 1000 -p 127.0.0.1:8080:80/tcp nginx",
        "psql -U bob -p 5432 db",
        "mysql -u root -p -e 'select 1'",
        "cp -a one two",
        "ssh -p 22 host",
    ],
)
def test_what_is_no_password_is_shown(typed: str):
    assert shown_command(shlex.split(typed)) == typed


def test_a_typed_command_is_masked_in_logs_and_answers():
    typed = "run web -- mysql -u root  -p hunter2 'a b'"
    pending = PendingCommand("k3f9ab", "key", "command", typed, "U1", "C1", "", 1.0)

    assert pending.shown == "run web -- mysql -u root  -p ••• 'a b'"


def test_a_command_without_a_secret_is_shown_as_it_would_be_typed():
    words = ("sh", "-c", "echo 'a b' | wc -l; ls *.py", "", "A=b c", "x=1")

    assert shlex.split(shown_command(words)) == list(words)


def test_the_message_has_the_last_lines():
    few = with_output(Outcome(Verdict.COMPLETED, ""), ("a", "b"))
    many = with_output(Outcome(Verdict.COMPLETED, ""), tuple(map(str, range(40))))
    long = with_output(Outcome(Verdict.COMPLETED, "Done.", ""), ("x" * 9000,), "And more.")

    assert (few.evidence, few.evidence_title) == ("a\nb", "Output")
    assert many.evidence.splitlines() == [str(n) for n in range(40 - SHOWN, 40)]
    assert many.evidence_title == "The end of the output"
    assert (long.evidence_title, len(long.evidence)) == ("The end of the output", MOST_SHOWN)
    assert long.reason == "Done. And more."
    assert not whole_is_shown(("x" * 9000,))


def test_a_file_says_what_it_lacks():
    cut = "Only the newest 4 MiB could be read."

    assert file_of(("a", "b"), "") == b"a\nb"
    assert file_of(("a",), cut) == b"a\n[Only the newest 4 MiB could be read.]"
    assert about_file("") == ""
    assert about_file(cut) == "The file is incomplete: only the newest 4 MiB could be read."


def test_only_what_the_bot_made_is_taken_for_a_one_off():
    made = replace(
        WEB, name="orochi_run-k3f9ab", mode=Mode.REPLICATED_JOB, labels=labels_of(WEB, "k3f9ab")
    )

    assert is_one_off(made)
    assert not is_one_off(replace(made, mode=Mode.REPLICATED))
    assert not is_one_off(replace(made, name="orochi_web"))
    assert not is_one_off(WEB)
