"""What was and what is: jobs, versions, stacks, and the Home tab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.domain.commands.values import ListJobs
from bot.domain.deploys.catalog import StackEntry
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    PlanAction,
    PlanStep,
    ReplicaRule,
    Replicas,
)
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.dashboard import Dashboard
from bot.domain.operations.image_list import compared
from bot.domain.swarm.health import Grade
from bot.domain.text.message import Message
from bot.swarm.stacks.folder import StackFolder
from bot.views.errors import by_label, failed
from bot.views.history import history_message
from bot.views.home import home_message
from bot.views.images import images_message, notice_message
from bot.views.jobs.detail import job_detail_message
from bot.views.jobs.list import jobs_message
from bot.views.stacks import stacks_message
from handlers.jobs import ListJobsHandler
from tests.messages.incidents import crash, lost
from tests.messages.job_kit import converged, crashed, queued, revised, scaling
from tests.messages.plans import a_change, a_plan
from tests.messages.sample import (
    ANN,
    ASKER,
    AT,
    BOB,
    COMMAND,
    Sample,
    Topic,
    answer,
    context,
    port,
    raised,
    shortened,
)
from tests.messages.swarm import DJANGO, WORKER, running, whole_stack

ALONE = "Visible only to the person who asked."


def topics() -> tuple[Topic, ...]:
    """The lists and the tab."""
    return (
        Topic(
            "Jobs, versions, stacks and images",
            ALONE,
            (*_jobs(), *_history(), *_stacks(), *_images()),
        ),
        Topic("Home tab", "Each person's own tab of the app.", tuple(_home())),
    )


def _jobs() -> Iterator[Sample]:
    now = AT + 600
    done = (converged(), crashed(), revised())
    yield Sample("`/orochi jobs`: none", jobs_message((), (), now, command=COMMAND))
    idle = jobs_message((), done, now, command=COMMAND)
    yield Sample("`/orochi jobs`: none under way", idle)
    busy = jobs_message((scaling(), queued()), done, now, command=COMMAND)
    yield Sample("`/orochi jobs`", busy)
    url = "https://acme.slack.com/archives/CSWARM/p1773066600000100"
    linked = jobs_message((scaling(),), (), now, command=COMMAND, where=lambda *_: url)
    yield Sample("`/orochi jobs`: as people see it, with links", linked)
    taken = replace(crashed(), attempt=2)
    one = job_detail_message(taken, now, url, command=COMMAND)
    yield Sample("`/orochi jobs k3f9ab`", one)
    waiting = job_detail_message(queued(), now, url, command=COMMAND)
    yield Sample("`/orochi jobs m7p2xq`: it waits", waiting)
    yield Sample("`/orochi jobs zzzzzz`: unknown", _unknown_job())
    many = tuple(replace(queued(), id=f"job{n:03}") for n in range(25))
    yield Sample("`/orochi jobs`: many", shortened(jobs_message(many, (), now, command=COMMAND)))


def _unknown_job() -> Message:
    jobs = port(outline=None, active=(queued(),), recent=(converged(),))
    handler = ListJobsHandler(context(jobs=jobs, plans=port(load=None)))
    return answer(handler.answer(ListJobs("zzzzzz"), ASKER), unchanged=False)


def a_version(number: int, verdict: Verdict = Verdict.CONVERGED, **values: Any) -> Version:
    """A deployed version of the stack orochi."""
    images = {
        "orochi_django": f"registry.example.com/django:2.{number}",
        "orochi_worker01": "registry.example.com/worker01:2.4",
    }
    defaults: dict[str, Any] = {"images": images, "bundle": f"b{number}", "user": ANN}
    given = {**defaults, **values}
    at = AT - 86400 * (8 - number)
    return Version(
        "orochi",
        f"job{number:03}",
        at=at,
        verdict=verdict,
        digest="d",
        replicas={},
        number=number,
        **given,
    )


def _history() -> Iterator[Sample]:
    versions = (
        a_version(7, Verdict.CRASH_LOOPING, user=BOB),
        a_version(6),
        a_version(5, bundle="b4"),
        a_version(4, images={"orochi_django": "registry.example.com/django:2.4"}),
        a_version(3, images={"orochi_django": "registry.example.com/django:2.4"}, bundle=""),
        a_version(2, images={"orochi_flower": "registry.example.com/flower:1.0"}),
    )
    yield Sample("`/orochi history`: none", history_message("orochi", (), AT))
    yield Sample("`/orochi history`", history_message("orochi", versions, AT))
    links = {
        each.job: f"https://acme.slack.com/archives/CSWARM/p{each.number}" for each in versions
    }
    linked = history_message("orochi", versions[:2], AT, links=links)
    yield Sample("`/orochi history`: as people see it, with links", linked)
    others = [replace(each, stack="portainer") for each in versions[1:3]]
    other = history_message("portainer", others, AT, back=f"{COMMAND} rollback portainer/")
    yield Sample("`/orochi history portainer`", other)
    first = history_message("orochi", versions[1:2], AT)
    yield Sample("`/orochi history`: no way back", first)
    gone = Version("orochi", "job8", ANN, AT, Verdict.CONVERGED, "", {}, {}, number=8, removed=True)
    yield Sample(
        "`/orochi history`: the stack was removed",
        history_message("orochi", (gone, *versions), AT),
    )
    unkept = (versions[0], replace(versions[1], bundle=""))
    lost_files = history_message("orochi", unkept, AT)
    yield Sample("`/orochi history`: the files of the way back are not kept", lost_files)
    many = tuple(a_version(n) for n in range(30, 0, -1))
    yield Sample(
        "`/orochi history`: many", shortened(history_message("orochi", many, AT + 86400 * 23))
    )


def _stacks() -> Iterator[Sample]:
    drift = a_plan(
        a_change(
            "django",
            PlanAction.UPDATE,
            Difference(
                "image", "registry.example.com/django:2.6", "registry.example.com/django:2.5"
            ),
            Difference("environment DEBUG", "1", ""),
            Difference("label owner", "", "shop"),
        ),
        a_change("flower", PlanAction.CREATE),
        a_change("legacy", PlanAction.REMOVE),
        a_change("worker01", None, replicas=Replicas(5, 3, 5, ReplicaRule.SCALED)),
        others=(PlanStep(Kind.NETWORK, PlanAction.CREATE, "orochi_default", wanted="n"),),
    )
    same = a_plan(a_change("portainer", None))
    trouble = "The docker CLI made no plan within 30 s."
    entries = (
        StackEntry("legacy", has_file=False, grades=(Grade.WELL,) * 2),
        StackEntry(
            "orochi", has_file=True, grades=(Grade.WELL,) * 4, version=a_version(7), drift=drift
        ),
        StackEntry(
            "portainer", has_file=True, grades=(Grade.WELL,), version=a_version(2), drift=same
        ),
        StackEntry("registry", has_file=True, grades=()),
        StackEntry("old", has_file=True, grades=(), version=replace(a_version(4), removed=True)),
        StackEntry(
            "shop", has_file=True, grades=(Grade.WELL,) * 3, version=a_version(3), trouble=trouble
        ),
    )
    yield Sample("`/orochi stacks`", stacks_message(entries, command=COMMAND))
    error = raised(lambda: StackFolder("").names())
    off = f"{error.sentence} {error.hint}"
    yield Sample("`/orochi stacks`: none", stacks_message((), command=COMMAND))
    yield Sample(
        "`/orochi stacks`: deploying is turned off",
        stacks_message(entries[:1], command=COMMAND, trouble=off),
    )


def _images() -> Iterator[Sample]:
    now, digest = AT + 7200, f"sha256:{'3f9a1b2c' * 8}"
    pinned = replace(DJANGO, image=f"{DJANGO.image}@{digest}")
    cache = replace(WORKER, id="cache", name="orochi_cache", image=f"redis:7@{digest}")
    services, tasks = (pinned, WORKER, cache), (*running(DJANGO, 1, 2), *running(WORKER, 1))
    newer = f"sha256:{'9c4e77d0' * 8}"
    away = "The registry Docker Hub did not answer within 8 s."
    found = {DJANGO.image: newer, WORKER.image: newer}
    rows = compared(services, tasks, found, {"redis:7": away})
    yield Sample("`/orochi images`", images_message("orochi", rows, now, command=COMMAND))
    same = compared(services[:1], tasks, {DJANGO.image: digest}, {})
    good = images_message("orochi", same, now, command=COMMAND)
    yield Sample("`/orochi images`: nothing newer", good)
    by_digest = replace(DJANGO, image=f"registry.example.com/django@{digest}")
    yield Sample("Notice of a newer image", notice_message(rows[0], command=COMMAND))
    deploying = "Stack `orochi` is being deployed, which sets the images of its services."
    refusal = RefusedError(deploying, hint="Try again after its verdict.")
    asked = failed(refusal, about=by_label("orochi_worker01"))
    yield Sample("An update that a label asked for is refused, in the channel", asked)
    fixed = images_message("orochi", compared([by_digest], tasks, {}, {}), now, command=COMMAND)
    yield Sample("`/orochi images`: a digest without a tag", fixed)
    many = [replace(pinned, id=f"{n}", name=f"orochi_django{n:03}") for n in range(150)]
    rows = compared(many, (), {DJANGO.image: digest}, {})
    long = images_message("orochi", rows, now, command=COMMAND)
    yield Sample("`/orochi images`: many", shortened(long))


def _home() -> Iterator[Sample]:
    quiet = replace(lost().told, silenced_until=AT + 3600, silenced_by=BOB)
    busy = Dashboard(
        AT,
        whole_stack(healthy=False),
        (crash().told, quiet),
        (scaling(), queued()),
        (converged(), crashed()),
        {"orochi": a_version(7), "shop": a_version(3)},
    )
    yield Sample("For an operator: trouble", _tab(busy, operator=True))
    yield Sample("For everyone else: trouble", _tab(busy, operator=False))
    well = Dashboard(AT, whole_stack(healthy=True))
    yield Sample("All is well", _tab(well, operator=True))
    troubles = ("Redis does not answer, so the bot cannot keep its jobs.",)
    yield Sample(
        "The engine and Redis are away", _tab(Dashboard(AT, troubles=troubles), operator=True)
    )
    empty = replace(whole_stack(healthy=True), services=(), tasks=())
    yield Sample("No services", _tab(Dashboard(AT, empty), operator=False))


def _tab(board: Dashboard, *, operator: bool) -> Message:
    return home_message(board, AT, AT + 600, operator=operator, command=COMMAND)
