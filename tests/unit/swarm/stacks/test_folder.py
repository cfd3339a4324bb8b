"""The folder of stacks: names are validated, and nothing outside of it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.errors import RefusedError
from bot.swarm.stacks.folder import StackFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stacks, one with variables, and other files."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "orochi.yml").write_text("services: {}\n")
    (folder / "orochi.env").write_text("A=1\n")
    (folder / "portainer.yml").write_text("services: {}\n")
    (folder / "README.md").write_text("-")
    (folder / "not a name.yml").write_text("-")
    (folder / "folder.yml").mkdir()
    (tmp_path / "outside.yml").write_text("services: {}\n")
    return folder


def test_the_stacks_by_name(folder: Path) -> None:
    assert StackFolder(str(folder)).names() == ("orochi", "portainer")


def test_a_stack_with_its_variables(folder: Path) -> None:
    found = StackFolder(str(folder)).read("orochi")

    assert (found.stack, found.text, found.variables) == ("orochi", b"services: {}\n", {"A": "1"})
    assert found.folder == folder
    assert "services" not in repr(found)


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/passwd", "a/b", "", ".", "..", "a.b", "-", "a b", "ö", "a\n", "x" * 64],
)
def test_invalid_names(folder: Path, name: str) -> None:
    with pytest.raises(RefusedError, match=r"That is not a valid stack name\."):
        StackFolder(str(folder)).read(name)


def test_an_unknown_name(folder: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        StackFolder(str(folder)).read("orochy")
    assert caught.value.sentence == "There is no stack file `orochy.yml`."
    assert caught.value.hint == "Did you mean `orochi`?"

    with pytest.raises(RefusedError) as caught:
        StackFolder(str(folder)).read("zzz")
    assert caught.value.hint == "Stacks: `orochi`, `portainer`."


def test_links_that_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "linked.yml").symlink_to(folder.parent / "outside.yml")
    (folder / "portainer.env").symlink_to(folder.parent / "outside.yml")

    assert "linked" not in StackFolder(str(folder)).names()
    for name in ("linked", "portainer"):
        with pytest.raises(RefusedError, match="is not a file in the stacks' folder"):
            StackFolder(str(folder)).read(name)


def test_links_within_the_folder_and_a_folder_that_is_one(folder: Path) -> None:
    (folder / "alias.yml").symlink_to("orochi.yml")
    other = folder.parent / "mounted"
    other.symlink_to(folder)

    assert StackFolder(str(other)).read("alias").text == b"services: {}\n"


def test_unreadable_files(folder: Path) -> None:
    (folder / "large.yml").write_bytes(b"#" * (2**20 + 1))
    (folder / "latin.yml").write_text("services: {}\n")
    (folder / "latin.env").write_bytes(b"A=\xe9\n")
    stacks = StackFolder(str(folder))

    with pytest.raises(RefusedError, match=r"`large\.yml` is larger than 1 MiB\."):
        stacks.read("large")
    with pytest.raises(RefusedError, match=r"`latin\.env` is not UTF-8 text\."):
        stacks.read("latin")
    with pytest.raises(RefusedError, match="is not a file in the stacks' folder"):
        stacks.read("folder")


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"Deploying is turned off\."):
        StackFolder("").names()
    with pytest.raises(RefusedError, match="does not exist"):
        StackFolder(str(tmp_path / "nothing")).names()

    with pytest.raises(RefusedError) as caught:
        StackFolder(str(tmp_path)).read("orochi")
    assert caught.value.hint == "The folder in `BOT_STACKS_DIR` has no stack files yet."
