"""An engine's images as files below its data root.

Loading an image of hundreds of megabytes into each node takes ten seconds of processor time per
node. An engine that has not run yet can get the files instead, as hard links: no engine ever writes
into a layer, changes by a container go into a layer of its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.lab.shell import run, succeeds


def give(images: Iterable[dict[str, Any]], source: Path, target: Path, driver: str) -> None:
    """Link images (as of `docker inspect`) from one data root into another, with their tags."""
    names: dict[str, dict[str, str]] = {}
    for image in images:
        for place in _places(image, source, driver):
            _link(source, target, place)
        for tag in image["RepoTags"]:
            names.setdefault(tag.rpartition(":")[0], {})[tag] = image["Id"]
    (target / "image" / driver / "repositories.json").write_text(
        json.dumps({"Repositories": names})
    )


def give_store(source: Path, target: Path) -> None:
    """Give all of containerd's store to another engine; its databases are copied.

    None of the two engines may run.
    """
    store = Path("containerd", "daemon")
    for files in ("content.v1.content/blobs", "snapshotter.v1.overlayfs/snapshots"):
        _link(source, target, store / f"io.containerd.{files}")
    for database in ("metadata.v1.bolt/meta.db", "snapshotter.v1.overlayfs/metadata.db"):
        place = store / f"io.containerd.{database}"
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / place, target / place)


def _places(image: dict[str, Any], root: Path, driver: str) -> Iterator[Path]:
    """All files of an image, below the data root; some of them need not exist."""
    store = Path("image") / driver
    number = image["Id"].removeprefix("sha256:")
    yield store / "imagedb" / "content" / "sha256" / number
    yield store / "imagedb" / "metadata" / "sha256" / number
    for chain in _chain(image["RootFS"]["Layers"]):
        entry = store / "layerdb" / "sha256" / chain
        yield entry
        layer = (root / entry / "cache-id").read_text()
        yield Path(driver) / layer
        yield Path(driver) / "dir" / layer  # the location of the driver `vfs`
        link = root / driver / layer / "link"
        if link.exists():
            yield Path(driver) / "l" / link.read_text()


def _chain(layers: Iterable[str]) -> Iterator[str]:
    """The name of each layer including all below it (`ChainID` of the OCI image specification)."""
    chain = ""
    for layer in layers:
        both = f"{chain} {layer}"
        chain = f"sha256:{hashlib.sha256(both.encode()).hexdigest()}" if chain else layer
        yield chain.removeprefix("sha256:")


def _link(source: Path, target: Path, place: Path) -> None:
    """Link a file or a folder; copies it if the two are on different file systems."""
    old, new = source / place, target / place
    if new.is_symlink() or new.exists() or not (old.is_symlink() or old.exists()):
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    if not succeeds(["cp", "-a", "--link", str(old), str(new)]):
        run(["rm", "-rf", str(new)])
        run(["cp", "-a", str(old), str(new)])
