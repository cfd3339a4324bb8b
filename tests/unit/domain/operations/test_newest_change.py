"""A button acts only while its message speaks of the newest change of the service."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.jobs.model import Job, Target
from bot.domain.operations.newest_change import since_incident, since_job
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Mode, Service, UpdateState

SERVICE = Service("s1", "orochi_web", 20, Mode.REPLICATED, 3, stack="orochi", updated_at=1000.0)
TARGET = Target("orochi_web", "s1", 3, before=1, changed=True, version_after=20)
UPDATED = replace(SERVICE, update=UpdateState.PAUSED, update_started=1000.0)
INCIDENT = Incident(
    "k3f9ab", "web", "orochi_web", "s1", Cause(CauseKind.EXIT_CODE, "exit 1"),
    IncidentState.FIRING, began=1001.0, last=1010.0,
)  # fmt: skip
NEWER = Job("m7p2xq", "scale", "orochi", "scale web 8", "U1", "C1", 1100.0, ())


def test_the_newest_change_is_the_jobs_own():
    assert since_job(TARGET, SERVICE) == ""


def test_a_later_change_is_told_even_if_the_number_is_the_same_again():
    assert since_job(TARGET, replace(SERVICE, version=24)) == (
        "`web` was changed again since. It now has 3 replicas."
    )


def test_the_job_that_changed_it_since_is_named():
    changed = replace(SERVICE, version=22, replicas=8)
    assert since_job(TARGET, changed, NEWER) == (
        "`web` was changed again since, by job `m7p2xq` (scale: `scale web 8`)."
        " It now has 8 replicas."
    )


def test_an_update_that_the_swarm_still_reports_on_is_the_same_change():
    """Its status raises the version; another change removes or replaces the status."""
    target = replace(TARGET, update_after=1000.0)
    assert since_job(target, replace(UPDATED, version=27)) == ""
    assert since_job(target, replace(UPDATED, version=27, update_started=1500.0)) != ""
    assert since_job(target, replace(SERVICE, version=27)) != ""


def test_a_service_of_the_same_name_is_not_the_same_service():
    again = replace(SERVICE, id="s2")
    said = "`web` was removed and created again since."
    assert since_job(TARGET, again) == said
    assert since_incident(INCIDENT, again) == said


def test_a_record_of_an_older_release_is_compared_by_its_number():
    old = replace(TARGET, version_after=0)
    assert since_job(old, SERVICE) == ""
    assert since_job(old, replace(SERVICE, replicas=8)) != ""
    assert since_job(old, SERVICE, NEWER) != ""


def test_an_incident_speaks_of_the_change_before_its_last_failure():
    assert since_incident(INCIDENT, SERVICE) == ""
    assert since_incident(INCIDENT, UPDATED) == ""
    assert since_incident(INCIDENT, replace(SERVICE, updated_at=1100.0)) != ""
    assert since_incident(INCIDENT, replace(UPDATED, update_started=1100.0)) != ""


def test_a_status_that_is_written_later_is_no_new_change():
    assert since_incident(INCIDENT, replace(UPDATED, updated_at=1100.0)) == ""


def test_a_pressed_button_is_told_by_its_action_alone():
    changed = replace(SERVICE, version=22, replicas=8)
    pressed = replace(NEWER, action="rollback", text="service:orochi_web")
    assert "by job `m7p2xq` (rollback)." in since_job(TARGET, changed, pressed)
