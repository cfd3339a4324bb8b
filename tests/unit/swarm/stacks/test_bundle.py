"""The stored files of a stack: nothing outside of their folder is ever read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.swarm.stacks.bundle import Seal, packed, unpacked
from bot.swarm.stacks.folder import StackFiles
from bot.swarm.stacks.record import DockerStacks

SECRET = b"sesame"


@pytest.fixture
def files(tmp_path: Path) -> StackFiles:
    """A stack whose folder has files and links, and files outside of it."""
    folder = tmp_path / "stacks"
    (folder / "more").mkdir(parents=True)
    (folder / "settings.txt").write_text("one")
    (folder / "more" / "settings.txt").write_text("two")
    (tmp_path / "outside.txt").write_bytes(SECRET)
    (folder / "link.txt").symlink_to("../outside.txt")
    (folder / "alias.txt").symlink_to("settings.txt")
    (folder / "away").symlink_to(tmp_path)
    (folder / "round").symlink_to("round")
    return StackFiles("orochi", b"", folder, {})


def naming(path: str) -> list[dict[str, Any]]:
    """Compose files that name a file, each in another place."""
    return [
        {"configs": {"a": {"file": path}}},
        {"secrets": {"a": {"file": path}}},
        {"services": {"web": {"env_file": path}}},
        {"services": {"web": {"env_file": ["settings.txt", path]}}},
        {"services": {"web": {"env_file": [{"path": path}]}}},
    ]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "path",
    ["../outside.txt", "more/../../outside.txt", "link.txt", "away/outside.txt", "round", "a\0b"],
)
def test_paths_that_leave_the_folder_are_refused(files: StackFiles, path: str, place: int) -> None:
    with pytest.raises(RefusedError) as caught:
        packed(files, naming(path)[place])

    assert caught.value.sentence == (
        f"`orochi.yml` names the file `{path}`, which is not in the stacks' folder."
    )
    assert caught.value.hint == "Put it next to `orochi.yml` and use a path relative to it."


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("name", ["outside.txt", "stacks/settings.txt"])
def test_absolute_paths_are_refused(files: StackFiles, name: str, place: int) -> None:
    """This includes paths into the folder: a version's files are later read from another folder."""
    path = files.folder.parent / name

    with pytest.raises(RefusedError, match="is not in the stacks' folder"):
        packed(files, naming(str(path))[place])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("settings.txt", "settings.txt"),
        ("./more/../settings.txt", "settings.txt"),
        ("more/settings.txt", "more/settings.txt"),
        ("alias.txt", "alias.txt"),
    ],
)
def test_files_of_the_folder_are_stored_by_their_path(
    files: StackFiles, tmp_path: Path, path: str, name: str
) -> None:
    contents = packed(files, naming(path)[0])
    other = tmp_path / "other"
    other.mkdir()

    assert contents.files == {name: (files.folder / name).read_bytes()}
    assert unpacked(contents, other).folder == other
    assert (other / name).read_bytes() == contents.files[name]


def test_missing_files_are_left_to_the_client(files: StackFiles) -> None:
    """It reports them itself."""
    assert packed(files, naming("nofile.txt")[0]).files == {}


async def test_files_are_readable_with_their_own_key_alone(files: StackFiles) -> None:
    """The key comes from the bot token, which people change."""
    bundle = Seal(b"one key").sealed(packed(files, {}))

    assert await DockerStacks("", b"one key").can_read(bundle)
    assert not await DockerStacks("", b"another key").can_read(bundle)
