"""Evidence from engines and logs about an incident's task: fetched later, shown in its message."""

from bot.domain.incidents.events import Evidence
from bot.domain.incidents.reducer import with_evidence
from bot.domain.swarm.causes import CauseKind, with_oom
from bot.domain.swarm.model import Resources
from tests.unit.domain.incidents.watcher import Watcher, broken, told
from tests.unit.looks import a_service, failed


def test_evidence_is_added_to_the_existing_message():
    watcher = broken()
    found = Evidence(watcher.only.id, "a", "KeyError: 'X'", "Last log lines")

    (incident,) = told(watcher.take(with_evidence(watcher.state, found)))

    assert (incident.evidence, incident.evidence_title) == ("KeyError: 'X'", "Last log lines")
    assert incident.evidence_task == "a"
    assert watcher.take(with_evidence(watcher.state, found)) == ()


def test_no_evidence_changes_nothing():
    watcher = broken()

    assert watcher.take(with_evidence(watcher.state, Evidence(watcher.only.id, "a"))) == ()
    assert watcher.take(with_evidence(watcher.state, Evidence("nobody", "a", "text"))) == ()


def test_the_kernels_record_is_kept_for_repeated_failures():
    limit = 2**26
    watcher = Watcher(services={"s": a_service(1, limit=Resources(memory=limit))})
    watcher.hear(0, failed("a", code=137))
    cause = with_oom(watcher.only.cause, False, limit)
    watcher.take(with_evidence(watcher.state, Evidence(watcher.only.id, "a", cause=cause)))

    watcher.hear(5, failed("b", code=137))

    now = watcher.only
    assert (now.count, now.cause.kind, now.cause.task_id) == (2, CauseKind.EXIT_CODE, "b")


def test_a_recorded_memory_kill_is_not_reverted_by_an_unrecorded_one():
    limit = 2**26
    watcher = Watcher(services={"s": a_service(1, limit=Resources(memory=limit))})
    watcher.hear(0, failed("a", code=137))
    for task, killed in (("a", False), ("b", True), ("c", False)):
        cause = with_oom(watcher.only.cause, killed, limit)
        watcher.take(with_evidence(watcher.state, Evidence(watcher.only.id, task, cause=cause)))

    assert watcher.only.cause.kind is CauseKind.OUT_OF_MEMORY
    assert watcher.only.cause.text.startswith("The kernel killed the container for memory")
