"""Building images from a Dockerfile, with the machine's network and no registry.

The nodes have no way out of the lab, so an engine of its own, not of the swarm, builds in
the machine's network. It keeps its layers in the cache folder, so that an unchanged step
of a Dockerfile is done once on a machine.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.lab import engines
from tests.lab.base_image import BASE, base_archive
from tests.lab.cli_image import CLI, cli_archive
from tests.lab.engine import Engine
from tests.lab.image_store import give, give_store
from tests.lab.images import cache_folder, image_id, load
from tests.lab.site import Site
from tests.lab.waiting import LabError

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


class Builder(Engine):
    """An engine in the machine's own network that changes nothing there."""

    @property
    def data_root(self) -> Path:
        """A data folder in the cache, kept between runs."""
        return cache_folder() / engines.chosen().images

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
            buildargs={**_proxy_arguments(), "PYTHON_IMAGE": BASE, "CLI_IMAGE": CLI},
            decode=True,
            timeout=600,
        )
        for answer in answers:
            said.append(str(answer.get("stream", "")))
            if "error" in answer:
                raise LabError(f"{''.join(said)[-3000:]}\n{answer['error']}")
        # Recent images stay: the stages before a Dockerfile's last have no name of their own, and
        # the next build takes its unchanged steps from them.
        self.client().prune_images(filters={"dangling": True, "until": "24h"})

    def take(self, archive: Path, name: str) -> None:
        """Tag the archive's image; loads it if the tag has another image or none."""
        known = self.client().images(name=name)
        if image_id(archive) not in [image["Id"] for image in known]:
            load(self.client(), archive)

    def _options(self) -> list[str]:
        return ["--iptables=false", "--ip-forward=false", "--ip-masq=false"]


def provide(
    site: Site,
    data_roots: Iterable[Path],
    *,
    builds: Mapping[str, Path],
    archives: Mapping[str, Path],
) -> None:
    """Give images to engines that have not run yet.

    `builds` has a tag and the folder of a Dockerfile on `python:3.13-slim-trixie`; `archives` a
    tag and its archive. The base image is made first where the cache has none.

    Raises:
        LabError: a build failed.
    """
    with _alone(), _builder(site) as builder:
        builder.take(base_archive(), BASE)
        builder.take(cli_archive(), CLI)
        for tag, context in builds.items():
            builder.build(context, tag)
        for tag, archive in archives.items():
            builder.take(archive, tag)
        driver = str(builder.client().info()["Driver"])
        images = [builder.client().inspect_image(tag) for tag in (*builds, *archives)]
        builder.shut_down()
        for data_root in data_roots:
            if engines.image_store() == engines.CONTAINERD:
                give_store(builder.data_root, data_root)
            else:
                give(images, builder.data_root, data_root, driver)


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time on a machine, because they share the data folder."""
    with (cache_folder() / "builder.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _builder(site: Site) -> Iterator[Builder]:
    """A running builder."""
    builder = Builder(site, "builder")
    builder.start()
    try:
        builder.wait_for_api()
        yield builder
    finally:
        builder.shut_down()


def _proxy_arguments() -> dict[str, str]:
    """The build arguments that every Dockerfile has without declaring them."""
    names = [*_PROXIES, *map(str.upper, _PROXIES)]
    return {name: os.environ[name] for name in names if name in os.environ}
