"""Which image an update means, and who can run it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Target
from bot.domain.operations.image_change import (
    ChosenImage,
    by_next_deploy,
    check_platforms,
    pinned,
    short_digest,
    wanted_image,
)
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Mode, Node, Platform, Service

DIGEST = f"sha256:{'0a' * 32}"
WEB = Service(
    "s", "orochi_web", 1, Mode.REPLICATED, 2, image=f"reg:5000/web:1@{DIGEST}", stack="orochi"
)
AMD, ARM = Platform("linux", "x86_64"), Platform("linux", "aarch64")
NODES = (Node("a", "one", platform=AMD), Node("b", "two", platform=ARM, labels={"gpu": "yes"}))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (":2", "reg:5000/web:2"),
        (f"@{DIGEST}", f"reg:5000/web@{DIGEST}"),
        ("", "reg:5000/web:1"),
        ("other/web:3", "other/web:3"),
        ("other/web", "other/web:latest"),
        (f"other/web@{DIGEST}", f"other/web@{DIGEST}"),
    ],
)
def test_what_was_typed_is_a_whole_name(typed: str, name: str):
    assert str(wanted_image(WEB, typed)) == name


def test_an_image_without_a_tag_means_latest():
    assert str(wanted_image(replace(WEB, image="web"), "")) == "web:latest"


@pytest.mark.parametrize(("image", "typed"), [(f"web@{DIGEST}", ""), ("", ":2"), ("", "")])
def test_without_a_tag_or_an_image_it_has_to_be_named(image: str, typed: str):
    with pytest.raises(RefusedError) as caught:
        wanted_image(replace(WEB, image=image), typed)
    assert caught.value.hint.startswith("Name ")


def test_the_digest_is_pinned_unless_one_was_typed():
    assert pinned(wanted_image(WEB, ":2"), DIGEST) == f"reg:5000/web:2@{DIGEST}"
    other = f"sha256:{'b' * 64}"
    assert pinned(wanted_image(WEB, f"@{other}"), DIGEST) == f"reg:5000/web@{other}"
    assert pinned(wanted_image(WEB, ":2"), "") == "reg:5000/web:2"
    assert short_digest(WEB.image) == "0a0a0a0a0a0a"
    assert short_digest("web:2") == ""


@pytest.mark.parametrize(
    ("constraints", "platforms", "refused"),
    [
        ((), (Platform("linux", "amd64"),), False),
        ((), (Platform("linux", "arm64"),), False),
        ((), (Platform("windows", "amd64"),), True),
        ((), (), False),
        (("node.labels.gpu==yes",), (Platform("linux", "amd64"),), True),
        (("node.labels.gpu==yes",), (Platform("linux", "arm64"),), False),
        (("node.labels.gpu==no",), (Platform("linux", "arm64"),), False),
    ],
)
def test_an_image_needs_a_node_that_may_run_it(
    constraints: tuple[str, ...], platforms: tuple[Platform, ...], *, refused: bool
):
    """Where no node may run the service anyway, its image is not to blame."""
    service = replace(WEB, constraints=constraints)
    if not refused:
        check_platforms(service, "web:2", platforms, NODES)
        return
    with pytest.raises(RefusedError, match="no variant for the nodes of `web`"):
        check_platforms(service, "web:2", platforms, NODES)


def test_the_line_of_the_file_is_named_if_it_is_known():
    assert "change line 4 of `a.yml` (`image: web:1`)" in by_next_deploy(
        "a", "a.yml", 4, "image: web:1"
    )
    assert by_next_deploy("a", "a.yml", 0, "").endswith("change the image in `a.yml`.")


@pytest.mark.parametrize(
    ("image", "login", "restarts"),
    [(WEB.image, True, 1), (WEB.image, False, 0), ("reg:5000/web:2", True, 0)],
)
def test_only_an_image_that_stays_in_a_private_registry_needs_new_tasks(
    image: str, login: bool, restarts: int
):
    target = Target(WEB.name, WEB.id, 2, image=image)
    chosen = ChosenImage(WEB, read_image(image), target, found=True, login=login)

    assert chosen.with_login().target.restarts == restarts
