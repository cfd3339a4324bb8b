"""Names of images are read and judged as the docker CLI does."""

from __future__ import annotations

import pytest

from bot.domain.swarm.image_name import ImageName, flaw_of, read_image, suffix_flaw

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("redis", ImageName("", "redis")),
        ("redis:7.2-Alpine", ImageName("", "redis", "7.2-Alpine")),
        ("orochi/worker:2", ImageName("", "orochi/worker", "2")),
        ("localhost/app", ImageName("localhost", "app")),
        ("reg.example.net:5000/a/b_c:x", ImageName("reg.example.net:5000", "a/b_c", "x")),
        ("Registry/app", ImageName("Registry", "app")),
        (f"app@{DIGEST}", ImageName("", "app", "", DIGEST)),
        (f"reg:5000/app:1@{DIGEST}", ImageName("reg:5000", "app", "1", DIGEST)),
        ("[::1]:5000/app:1", ImageName("[::1]:5000", "app", "1")),
    ],
)
def test_a_name_is_read_into_its_parts_and_back(text: str, parts: ImageName):
    assert flaw_of(text) == ""
    assert read_image(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("orochi/Worker:2", "An image's name is in lower case; only its tag"),
        ("Worker", "An image's name is in lower case; only its tag"),
        ("https://reg.example.net/app", "An image's name has no `https://`."),
        ("app:", "The tag after the colon is missing."),
        ("reg..x/app", "Its registry is not a host name"),
        ("reg-.net/app", "Its registry is not a host name"),
        ("reg:0/app", "Its registry's port is not between 1 and 65535."),
        ("127.0.0.1:99999999/app", "Its registry's port is not between 1 and 65535."),
        ("app:.1", "A tag has letters, digits"),
        ("app:1:2", "A tag has letters, digits"),
        (f"app:{'x' * 129}", "A tag has at most 128 characters."),
        ("app@sha256:abc", "A digest has 64 digits after `sha256:`; this one has 3."),
        ("app@sha256:" + "g" * 64, "A digest has hexadecimal digits only"),
        ("app@md5:abc", "A digest begins with `sha256:`."),
        ("app@", "A digest begins with `sha256:`."),
        ("-app", "An image's name has lower-case letters and digits"),
        ("a//b", "An image's name has lower-case letters and digits"),
        ("", "An image's name has lower-case letters and digits"),
        ("reg.example.net/", "An image's name has lower-case letters and digits"),
        ("reg.example.net:port/app", "Its registry is not a host name"),
        ("a" * 256, "An image's name has at most 255 characters."),
        ("sha256:" + "0a" * 32, "That is an image's id"),
        ("0a" * 32, "64 hexadecimal digits are an image's id"),
    ],
)
def test_a_name_with_a_flaw_is_told_what_it_is(text: str, flaw: str):
    assert flaw_of(text).startswith(flaw)


@pytest.mark.parametrize("suffix", [":2.1", f"@{DIGEST}", f":2.1@{DIGEST}"])
def test_another_suffix_keeps_the_repository(suffix: str):
    assert suffix_flaw(suffix) == ""
    assert str(read_image("reg:5000/app:1").with_suffix(suffix)) == f"reg:5000/app{suffix}"


@pytest.mark.parametrize("suffix", [":", ":-1", "@sha256:12", ":1@md5:1"])
def test_a_suffix_with_a_flaw_is_told(suffix: str):
    assert suffix_flaw(suffix) != ""


def test_a_pinned_name_is_shown_by_its_tag():
    assert read_image(f"app:1@{DIGEST}").unpinned == "app:1"
    assert read_image(f"app@{DIGEST}").unpinned == f"app@{DIGEST}"
    assert read_image("").unpinned == ""


@pytest.mark.parametrize("host", ["", "docker.io/", "index.docker.io/", "registry-1.docker.io/"])
def test_docker_hub_is_one_registry_however_it_is_written(host: str):
    assert read_image(f"{host}library/nginx:1").registry == ""
    assert read_image("reg:5000/nginx:1").registry == "reg:5000"
