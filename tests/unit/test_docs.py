"""The documents agree with the code: commands, verdicts, metrics, targets, files and links."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.commands.parser import Defaults, Reply, parse
from bot.domain.commands.table import COMMANDS
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.jobs.model import Job, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.http.metrics import Metrics
from bot.ports import FeedStatus
from bot.views.incidents.message import metadata as incident_metadata
from bot.views.jobs.message import metadata

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "bot",
    "handlers",
    "tests",
    "docs",
    "benchmarks",
    ".ci",
    "requirements",
    "examples",
    "playground",
)
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(
            page
            for folder in FOLDERS
            for page in (ROOT / folder).rglob("*.md")
            if "node_modules" not in page.parts
        ),
    ]
)
SHELLS = {"sh", "bash", "console", "shell"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SUFFIXES = ("yml", "toml", "lock", "md", "py", "json", "lua")
OTHERS = {"config.json"}
"""Files of other programs: docker's logins."""
BARE_NAMES = OTHERS | {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")}
FILE = re.compile(
    rf"(?<![\w./$~-])(?:\./)?((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*\w"
    rf"|[\w-]+(?:\.[\w-]+)*\.(?:{'|'.join(SUFFIXES)}))(?![\w/.-]*\w)"
)
PLACEHOLDER = re.compile(r"(?<![A-Z])NAME(?![A-Z])")


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=page_name)


def read(name: str) -> str:
    """One of the documents."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(title: str, name: str = "README.md") -> str:
    """The text under a heading of the second level."""
    _, found, rest = read(name).partition(f"\n## {title}\n")
    assert found, f"{name} has no section {title}"
    return rest.partition("\n## ")[0]


def rows(text: str, start: str = "| `") -> list[tuple[str, ...]]:
    """The table rows in a text that begin like this; a code span in the first cell is unquoted."""
    lines = [line for line in text.splitlines() if line.startswith(start)]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [(first.strip("`").replace("\\|", "|"), *others) for first, *others in cells]


def command_rows() -> list[tuple[str, ...]]:
    """The expected table of commands in the README."""
    who = {True: "operators", False: "everyone"}
    return [(row.usage, row.summary, who[row.changes]) for row in COMMANDS]


def metric_rows() -> list[tuple[str, ...]]:
    """The expected table of metrics, read from a real scrape."""
    found: list[tuple[str, ...]] = []
    for family in text_string_to_metric_families(scraped()):
        if not family.name.endswith("_created"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            named = ", ".join(f"`{label}`" for label in sorted(labels))
            found.append((name, named or "none", family.documentation))
    return found


def scraped() -> str:
    """The text of a bot's metrics after every counted event."""
    metrics = Metrics()
    metrics.acked(0.001)
    metrics.job_ended(replace(a_job(), finished=1.0))
    metrics.up("redis", answers=True)
    metrics.incident_began(an_incident())
    metrics.watch(lambda: True)
    metrics.follow(lambda: 1, lambda: FeedStatus("poll", 0.0))
    return metrics.text().decode()


def a_job() -> Job:
    """A job of one service."""
    target = Target("orochi_web", "id", 2)
    job = Job("k3f9ab", "scale", "orochi", "scale web 2", "U1", "C1", 0.0, (target,))
    return job.with_outcome(0, Outcome(Verdict.CONVERGED, "2/2 running."))


def an_incident() -> Incident:
    """An incident that was just posted."""
    cause = Cause(CauseKind.EXIT_CODE, "Exit 1", exit_code=1)
    return Incident("k3f9ab", "s|1", "orochi_web", "s", cause, IncidentState.FIRING, 0.0, 0.0)


def fences(page: Path, kinds: set[str]) -> Iterator[str]:
    """The bodies of a page's code fences of these kinds."""
    for kind, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind in kinds:
            yield body


def code(page: Path) -> list[str]:
    """The code of a page, to type or to look up: shell fences and code spans."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [*fences(page, SHELLS), *SPAN.findall(prose)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 180


def test_the_index_lists_every_page_of_the_documentation() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    listed = {cell[1 : cell.index("]")] for (cell, *_) in rows(read("docs/README.md"), "| [")}

    assert listed == pages - {"README.md"}


def test_the_readme_lists_every_command_and_no_other() -> None:
    assert rows(section("Commands")) == command_rows()


def test_the_manifest_hints_at_every_command() -> None:
    (command,) = yaml.safe_load(read("slack-manifest.yml"))["features"]["slash_commands"]
    hinted = [hint.split()[0] for hint in command["usage_hint"].split(" | ")]

    assert set(hinted) == {row.name for row in COMMANDS}


def test_every_metric_is_listed_and_no_other() -> None:
    assert rows(section("Health and metrics", "docs/integrations.md")) == metric_rows()


def test_every_verdict_is_explained_and_no_other() -> None:
    explained = rows(section("Verdicts", "docs/verdicts.md"))

    assert [word for word, *_ in explained] == [verdict.value for verdict in Verdict]
    assert all(len(row) == 3 and all(row) for row in explained)


def test_the_metadata_shown_is_that_of_jobs_and_incidents() -> None:
    text = section("Message metadata", "docs/integrations.md")
    shown = [json.loads(body) for kind, body in FENCE.findall(text) if kind == "json"]
    real = [metadata(a_job()), incident_metadata(an_incident())]

    assert [each["event_type"] for each in shown] == [each.event_type for each in real]
    assert [each["event_payload"].keys() for each in shown] == [
        each.payload.keys() for each in real
    ]
    assert {f"`{kind.value}`" for kind in CauseKind} <= set(re.findall(r"`\w+`", text))


def test_the_changelog_has_this_version_and_every_command() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    text = section_of_version(version)

    assert {row.name for row in COMMANDS} <= set(re.findall(r"/orochi (\w+)", text))


def test_the_guides_commands_are_valid_and_each_has_its_transcript() -> None:
    """Each command of its table is typed below it, with its answer."""
    page = ROOT / "docs" / "guide.md"
    typed = [body.partition("\n")[0] for body in fences(page, {"text"})]
    spans = [span.strip("`") for span in SPAN.findall(FENCE.sub("", page.read_text("utf-8")))]
    commands = [text.removeprefix("/orochi ") for text in (*typed, *spans) if "/orochi " in text]
    parsed = {text: parse(text, Defaults(service="worker01")) for text in commands}
    shown = {text.split()[1] for text in typed if text.startswith("/orochi ")}

    assert [text for text, command in parsed.items() if isinstance(command, Reply)] == []
    assert {text.split()[0] for text in commands} - shown <= {"status", "rollback"}
    assert {"join", "nodes", "deploy", "ps", "scale", "volumes"} <= shown


def section_of_version(version: str) -> str:
    """The changelog of a version."""
    headings = re.findall(r"^## .+$", read("CHANGELOG.md"), re.MULTILINE)
    (title,) = (each.removeprefix("## ") for each in headings if version in each)
    return section(title, "CHANGELOG.md")


@every_page
def test_named_makefile_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {
        word
        for text in code(page)
        for words in re.findall(r"^\s*make((?: [a-z]+)+)", text, re.MULTILINE)
        for word in words.split()
    }

    assert named <= targets


def test_every_target_of_the_makefile_is_explained() -> None:
    targets = re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE)
    explained = read("README.md") + read("CONTRIBUTING.md")

    assert [each for each in targets if f"make {each}" not in explained] == []


@every_page
def test_links_within_the_project_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(link)

    assert broken == []


@every_page
def test_named_files_exist(page: Path) -> None:
    """Check paths from the project's folder, and bare names of files anywhere in it.

    `NAME` is a placeholder; files that the page's own commands write belong to the reader.
    """
    named = {name for text in code(page) for name in FILE.findall(text)}
    named -= {name for name in named if PLACEHOLDER.search(name)} | made_by_the_reader(page)

    assert [name for name in sorted(named) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether a file exists; `name` can be a pattern."""
    return any(ROOT.glob(name)) or name in BARE_NAMES


def made_by_the_reader(page: Path) -> set[str]:
    """Files that a page's own commands write."""
    return {name for text in code(page) for name in re.findall(r"> (\S+)", text)}


@every_page
def test_named_modules_can_be_run(page: Path) -> None:
    named = {name for text in code(page) for name in re.findall(r"python3? -m ([\w.]+)", text)}

    assert [name for name in sorted(named) if importlib.util.find_spec(name) is None] == []


@every_page
def test_no_page_names_a_path_of_this_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert str(ROOT) not in text
    assert re.findall(r"(?<![\w.])/(?:root|home|work|Users|mnt)/\S*", text) == []
