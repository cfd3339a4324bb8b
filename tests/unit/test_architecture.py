"""The architecture page: its diagram matches the import contracts, its table names real files.

`python -m tests.unit.test_architecture` prints the diagram for the page.
"""

from __future__ import annotations

import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = "imports go down only"
DOMAIN = "the domain's packages have an order"


def layers(contract: str) -> list[list[str]]:
    """The layers of one import contract from the top down, each with its independent modules."""
    contracts: list[dict[str, Any]] = PYPROJECT["tool"]["importlinter"]["contracts"]
    (found,) = (each for each in contracts if each["name"] == contract)
    return [layer.split(" | ") for layer in found["layers"]]


def diagram() -> str:
    """A mermaid flowchart of the contracts: every arrow is an import that is allowed."""
    outer = layers(LAYERS)
    inner = [[f"bot.domain.{name}" for name in layer] for layer in layers(DOMAIN)]
    lines = ["flowchart TD", *boxes(each for each in outer if each != ["bot.domain"])]
    lines += ['    subgraph bot_domain["bot/domain"]', *indented(boxes(inner))]
    lines += [*indented(arrows(inner)), "    end", *arrows(outer)]
    return "\n".join(lines) + "\n"


def boxes(every: Any) -> list[str]:
    """A box for each module but the domain, which is a box of boxes."""
    names = [name for layer in every for name in layer if name != "bot.domain"]
    return [f'    {identity(name)}["{shown(name)}"]' for name in names]


def arrows(every: list[list[str]]) -> list[str]:
    """From each layer to the next one."""
    joined = [" & ".join(map(identity, layer)) for layer in every]
    return [f"    {upper} --> {lower}" for upper, lower in pairwise(joined)]


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def identity(module: str) -> str:
    return module.replace("__", "").replace(".", "_")


def shown(module: str) -> str:
    """A package by its folder, a module by its file."""
    path = module.replace(".", "/")
    return path if (ROOT / path).is_dir() else f"{path}.py"


def section(title: str) -> str:
    """The text under a heading of the second level."""
    _, found, rest = PAGE.partition(f"\n## {title}\n")
    assert found, title
    return rest.partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The rows of a section's table without its heading."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_diagram_is_drawn_from_the_import_contracts() -> None:
    assert f"```mermaid\n{diagram()}```\n" in PAGE


def test_every_part_of_the_bot_has_its_layer() -> None:
    placed = {name for layer in layers(LAYERS) for name in layer}
    there = {
        f"bot.{path.stem}"
        for path in (ROOT / "bot").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }

    assert there - {"bot.__init__"} == {name for name in placed if name.startswith("bot.")}


def test_every_package_is_explained() -> None:
    explained = [cell for cell, *_ in rows("Packages")]
    placed = [shown(name) for layer in layers(LAYERS) for name in layer]
    domain = [shown(f"bot.domain.{name}") for layer in layers(DOMAIN) for name in layer]

    assert sorted(explained) == sorted(f"`{each}`" for each in [*placed, *domain])


def test_every_question_has_an_existing_answer() -> None:
    answers = {question: re.findall(r"`([\w./-]+)`", answer) for question, answer in table()}
    missing = {each for named in answers.values() for each in named if not (ROOT / each).exists()}

    assert [question for question, named in answers.items() if not named] == []
    assert all(question.endswith("?") for question in answers)
    assert missing == set()


def table() -> list[tuple[str, str]]:
    """The questions and where their answers are."""
    return [(question, answer) for question, answer in rows("Where to find what")]


if __name__ == "__main__":
    sys.stdout.write(diagram())
