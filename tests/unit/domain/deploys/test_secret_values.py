"""Which values of a stack's input are secret, and where they are found again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.deploys.secret_values import NOTHING, is_common, is_secret_name, secret_values

FILE: dict[str, Any] = {
    "services": {
        "web": {
            "image": "shop/web:${KEYCLOAK_TAG}",
            "command": "serve -p${TOKEN} --verbose",
            "environment": ["RCON=${TOKEN}", "SITE=${SITE}", "ON=${AUTH_ON}"],
            "labels": {"note": "pw is ${DB_PW}"},
            "deploy": {"placement": {"constraints": ["node.hostname == ${NODE}"]}},
        },
        "db": {"image": "postgres:16", "environment": {"PGUSER": "worker01"}},
    }
}


def hidden(text: str) -> str:
    return f"<{len(text)}>"


def test_a_value_is_found_wherever_it_was_put() -> None:
    found = secret_values(FILE, {"DB_PW": "foxtrot66", "SITE": "kilo-77"})

    assert found.names == {"DB_PW", "SITE"}
    assert found.has("note", "pw is foxtrot66")
    assert found.has("anything", "--x=foxtrot66")
    assert found.hidden_in("invalid proto: foxtrot66, kilo-77", hidden) == (
        "invalid proto: <9>, <7>"
    )


def test_a_short_value_is_hidden_only_where_the_file_puts_it() -> None:
    found = secret_values(FILE, {"TOKEN": "e", "AUTH_ON": "1"})

    assert found.has("serve", "-pe")
    assert found.has("RCON", "e")
    assert not found.has("", "serve")
    assert not found.has("parallelism", "1")
    assert found.hidden_in("replicas: 1 where needed", hidden) == "replicas: 1 where needed"


def test_a_common_value_garbles_no_sentence() -> None:
    said = 'network "public" is declared as external'
    found = secret_values(FILE, {"DB_PW": "external"})

    assert found.hidden_in(said, hidden) == said
    assert found.has("note", "pw is external")


def test_a_value_within_a_longer_word_is_not_cut_out() -> None:
    found = secret_values({}, {"DB_PW": "shop77"})

    assert found.hidden_in("shop77, the stack shop770_web", hidden) == (
        "<6>, the stack shop770_web"
    )


def test_what_is_shown_anyway_is_not_secret() -> None:
    """Images, places of tasks, and what the file says in clear."""
    variables = {"KEYCLOAK_TAG": "build-4711x", "NODE": "photon-machine-7", "SITE": "worker01"}

    assert secret_values(FILE, variables) == NOTHING


def test_the_default_of_a_secret_variable_is_hidden_where_it_stands() -> None:
    file: dict[str, Any] = {
        "services": {
            "web": {
                "image": "shop/web:${WEB_TOKEN:-1}",
                "command": "serve --token ${APP_TOKEN:-zq30default} --level ${LEVEL:-debug1}",
                "environment": {"A": "${NOT_PASSWORD:-changeme}", "B": "${EMPTY_TOKEN:-}"},
            }
        }
    }
    found = secret_values(file, {})

    assert found.has("A", "changeme")
    assert found.has("--token", "zq30default")
    assert not found.has("--level", "debug1")
    assert not found.has("B", "")
    assert not found.has("image", "shop/web:1")
    assert found.hidden_in("the word changeme", hidden) == "the word changeme"


@pytest.mark.parametrize("name", ["GATE_PIN", "WPA_PSK", "OTP", "SEED", "RCON", "SLACK_HOOK"])
def test_a_variable_with_a_secrets_name_is_secret_however_common_its_value(name: str) -> None:
    file: dict[str, Any] = {"services": {"web": {"labels": {"note": f"${{{name}}}"}}}}

    assert secret_values(file, {name: "123456"}).has("note", "123456")


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("MAX_TOKENS", False), ("SESSION_TIMEOUT", False), ("KEYCLOAK_URL", False),
        ("KEYBOARD_LAYOUT", False), ("MONKEY", False), ("AUTHOR", False), ("COMPASS_URL", False),
        ("PASSIVE_PORTS", False), ("AUTH_ENABLED", False), ("KEYCLOAK_ADMIN_PASSWORD", True),
        ("API_TOKEN", True), ("AUTHORIZATION", True), ("SESSION_SECRET", True), ("AUTH_KEY", True),
        ("KEYCLOAK_CLIENT_SECRET", True), ("SIGNING_KEY", True), ("ADMIN_PASS", True),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_the_content_of_docker_secrets_and_variables_files_is_secret() -> None:
    found = secret_values(
        {},
        {},
        environments={"LEVEL": "info", "RCON": '"tango88"', "PIN_TOKEN": "12"},
        contents=["user=app\npassword: uniform99\n"],
    )

    assert found.values >= {"tango88", "uniform99"}
    assert found.has("PIN_TOKEN", "12")
    assert not found.has("LEVEL", "info")


@pytest.mark.parametrize(
    "value",
    [
        "true", "e", "info1", "production", "External", "8080", "1.2.3", "v1.2.3-rc1",
        "7.2-alpine3.18", "512M", "30s", "2026-11-25", "/srv/data", "~/data", "10.0.0.20",
        "photon.lan", "registry.lan:5000/team/app:1", "team/app:1.2", "redis:6379",
        "postgres://db:5432/orochi", "ann@example.com", "Europe/Berlin", "en_US.UTF-8",
        "10.0.0.1, 10.0.0.2",
    ],
)  # fmt: skip
def test_common_values(value: str) -> None:
    assert is_common(value)


@pytest.mark.parametrize(
    "value",
    [
        "delta44", "foxtrot66", "correct-horse", "p4ss/w0rd", "hunter22", "12345678901",
        "P@ssw0rd.1", "7f3.9a1", "Winter/Coat", "https://n8n.example.net/webhook/8f3c2a1e-77aa-4b9d",
        "my dog is big", "sesame!", "Tr0ub4dor&3", "external1", "aB3/xYz9+kLm",
    ],
)  # fmt: skip
def test_values_that_are_not_common(value: str) -> None:
    assert not is_common(value)
