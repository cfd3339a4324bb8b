"""The commit hooks run the checks of `make lint` with the tools of `.venv`."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REPOS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]


def test_nothing_is_downloaded() -> None:
    assert [repo["repo"] for repo in REPOS] == ["local"]
    assert {hook["language"] for repo in REPOS for hook in repo["hooks"]} == {"system"}


def test_every_hook_is_a_check_of_make_lint() -> None:
    _, _, rest = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")
    linted = rest.partition("\n\n")[0].replace("$(BIN)", ".venv/bin")
    commands = [" ".join(hook["entry"].split()[:2]) for repo in REPOS for hook in repo["hooks"]]

    assert commands
    assert [each for each in commands if each not in linted] == []
