"""Building images from a Dockerfile, with the machine's network and no registry.

The nodes have no way out of the lab, so an engine of its own, not of the swarm, builds in
the machine's network. It keeps its layers in the cache folder, so that an unchanged step
of a Dockerfile is done once on a machine.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.base_image import BASE, base_archive
from tests.lab.engine import Engine
from tests.lab.images import cache_folder, image_id, load
from tests.lab.node import Node
from tests.lab.swarm import Lab
from tests.lab.waiting import LabError

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


class Builder(Engine):
    """An engine in the machine's own network that changes nothing there."""

    @property
    def data_root(self) -> Path:
        """In the cache folder, kept from run to run."""
        return cache_folder() / "builder"

    def build(self, context: Path, tag: str) -> None:
        """Run `docker build --network=host` of the context's Dockerfile.

        Raises:
            LabError: a step failed; has the build's last lines.
        """
        said: list[str] = []
        answers = self.client().build(
            path=str(context),
            tag=tag,
            network_mode="host",
            rm=True,
            forcerm=True,
            buildargs=_proxy_arguments(),
            decode=True,
            timeout=600,
        )
        for answer in answers:
            said.append(str(answer.get("stream", "")))
            if "error" in answer:
                raise LabError(f"{''.join(said)[-3000:]}\n{answer['error']}")
        # Young ones stay: the stages before a Dockerfile's last have no name of their own, and
        # the next build takes its unchanged steps from them.
        self.client().prune_images(filters={"dangling": True, "until": "24h"})

    def take_base(self, archive: Path) -> None:
        """Have this base image under its name; loads it where it is another or none."""
        known = self.client().images(name=BASE)
        if image_id(archive) not in [image["Id"] for image in known]:
            load(self.client(), archive)

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as `docker save` does."""
        with archive.open("wb") as file:
            file.writelines(self.client().get_image(tag))

    def _options(self) -> list[str]:
        return ["--iptables=false", "--ip-forward=false", "--ip-masq=false"]


def build_image(lab: Lab, context: Path, tag: str, nodes: Iterable[Node] | None = None) -> None:
    """Build the Dockerfile in `context` on `python:3.13-slim-trixie` and load it on `nodes`.

    `nodes`: default all of the lab. The base image is made first where the cache has none.

    Raises:
        LabError: the build failed.
    """
    archive = lab.site.folder / "built.tar"
    build_archive(lab, context, tag, archive)
    lab.load_archive(archive, nodes)
    archive.unlink()


def build_archive(lab: Lab, context: Path, tag: str, archive: Path) -> None:
    """Build as `build_image` does, and write the image to `archive` instead of loading it.

    Raises:
        LabError: the build failed.
    """
    base = base_archive()
    with _builder(lab) as builder:
        builder.take_base(base)
        builder.build(context, tag)
        builder.save(tag, archive)


@contextmanager
def _builder(lab: Lab) -> Iterator[Builder]:
    """A builder at work; one at a time on a machine, as they share the data folder."""
    builder = Builder(lab.site, "builder")
    with (cache_folder() / "builder.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        builder.start()
        try:
            builder.wait_for_api()
            yield builder
        finally:
            builder.shut_down()


def _proxy_arguments() -> dict[str, str]:
    """Build arguments that every Dockerfile knows without declaring them."""
    names = [*_PROXIES, *map(str.upper, _PROXIES)]
    return {name: os.environ[name] for name in names if name in os.environ}
