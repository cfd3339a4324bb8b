"""The logins in docker's ``config.json``."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.swarm.logins import HEADER, Login, Logins, read_logins


def config(**entries: Any) -> str:
    return json.dumps({"auths": {name.replace("_", "."): each for name, each in entries.items()}})


def basic(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("reg.example.net", "reg.example.net"),
        ("reg.example.net:5000", "reg.example.net:5000"),
        ("https://reg.example.net/v2/", "reg.example.net"),
        ("https://index.docker.io/v1/", ""),
        ("docker.io", ""),
    ],
)
def test_a_login_belongs_to_its_registry(address: str, host: str):
    found = read_logins(json.dumps({"auths": {address: basic("robot", "a:b")}}))
    assert found[host].user == "robot"
    assert found[host].password == "a:b"
    image = f"{host}/orochi/worker:2" if host else "orochi/worker:2"
    assert Logins(json.dumps({"auths": {address: basic("robot", "x")}})).of(image) is not None


def test_docker_hubs_login_is_for_its_own_names_alone():
    logins = Logins(json.dumps({"auths": {"https://index.docker.io/v1/": basic("robot", "x")}}))
    assert logins.of("docker.io/library/redis:7") is not None
    assert logins.of("redis") is not None
    assert logins.of("reg.example.net/redis") is None
    assert logins.headers("reg.example.net/redis") == {}


def test_the_header_is_the_engines():
    login = Logins(config(reg_example_net=basic("robot", "secret"))).of("reg.example.net/a")
    assert login is not None
    sent = json.loads(base64.urlsafe_b64decode(login.header[HEADER]))
    assert sent == {
        "username": "robot",
        "password": "secret",
        "serveraddress": "reg.example.net",
    }
    assert "secret" not in repr(login)


def test_a_token_and_plain_fields_are_logins_too():
    found = read_logins(
        config(a_net={"identitytoken": "t0ken"}, b_net={"username": "u", "password": "p"})
    )
    assert found["a.net"] == Login("a.net", "a.net", "", "", "t0ken")
    assert found["b.net"].as_json()["password"] == "p"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", 'it has no "auths"'),
        ('{"credsStore": "x"}', 'it has no "auths"'),
        ('{"auths": {"a.net": {}}}', "the login of a.net is not in it: it is empty"),
        ('{"auths": {"a.net": {}}, "credsStore": "x"}', "keeps it in a credentials helper"),
        ('{"auths": {"a.net": {"auth": "§§"}}}', "is not base64 of USER:PASSWORD"),
        ('{"auths": {"a.net": {"auth": "c2VjcmV0"}}}', "is not base64 of USER:PASSWORD"),
        ('{"auths": {"a.net": 5}}', "the login of a.net is not in it"),
        ('{"auths": {"a.net": {"username": {"a": "secret"}}}}', "the login of a.net is not in it"),
        ('{"auths": {}, "credsStore": "x"}', "it has no login: docker keeps them in a credentials"),
        ('{"auths": {"https://robot:secret@a.net": {}}}', "the login of a.net is not in it"),
        ('{"auths": {"": {"auth": "YTpi"}}}', "one of its auths is not for a registry's host"),
        ('{"auths": {"a b": {"auth": "YTpi"}}}', "one of its auths is not for a registry's host"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_what_is_wrong_is_told_without_the_login(text: str, said: str):
    with pytest.raises(ValueError, match=r"^(it|the login|one of)") as caught:
        read_logins(text)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_editors_leave_does_not_matter():
    found = read_logins('\ufeff{"auths": {" A.NET ": {"auth": "YTpi\\n"}}}\n')
    assert found["a.net"].as_json() == {
        "username": "a",
        "password": "b",
        "serveraddress": "a.net",
    }


def test_no_text_means_no_logins():
    assert read_logins(" \n") == {}


def write(file: Path, text: str) -> None:
    """Replace a file, as Docker and people do."""
    new = file.with_name("new")
    new.write_text(text)
    new.replace(file)


def test_a_changed_file_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    file = tmp_path / "REGISTRY_AUTH"
    first, second = (config(a_net=basic("robot", each)) for each in ("one", "two"))
    file.write_text(first)
    logins = Logins(first, file)
    write(file, second)

    with caplog.at_level(logging.INFO):
        found = logins.of("a.net/app")
        assert found is not None
        assert found.password == "two"
        write(file, "{")
        kept = logins.of("a.net/app")
        file.unlink()
        assert logins.of("a.net/app") == kept == found

    assert "REGISTRY_AUTH has changed, its logins are for: a.net" in caplog.text
    assert "its logins stay as they were: it is not JSON" in caplog.text
    assert "two" not in caplog.text
