"""Settings: errors are reported at once, secrets come from files, the documents are complete."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, env_name, is_secret, load, misspelt

ROOT = Path(__file__).parents[2]
GOOD = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def test_defaults_are_safe():
    """With only the tokens the bot starts, and nobody can change anything."""
    settings = load(GOOD, None)
    assert settings.bot_operators == ""
    assert settings.bot_http_host == "127.0.0.1"
    assert settings.socket_mode


def test_all_errors_are_reported_at_once():
    """A start with five errors names all five."""
    environ = {
        "SLACK_APP_TOKEN": "wrong",
        "BOT_HTTP_PORT": "99999",
        "BOT_MAX_REPLICAS": "many",
        "REDIS_URL": "localhost",
        "BOT_OPERATORS": "U0123, bob",
    }
    with pytest.raises(SettingsError) as caught:
        load(environ, None)
    named = {problem.split(":")[0] for problem in caught.value.problems}
    assert named == {
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "BOT_HTTP_PORT",
        "BOT_MAX_REPLICAS",
        "REDIS_URL",
        "BOT_OPERATORS",
    }


def test_an_error_never_contains_the_secret():
    """A malformed token or URL is named, not shown."""
    environ = {"SLACK_BOT_TOKEN": "s3cret-a", "REDIS_URL": "http://:s3cret-b@redis"}
    with pytest.raises(SettingsError) as caught:
        load(environ, None)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"SLACK_BOT_TOKEN": "s3cret-a", "SLACK_APP_TOKEN": "s3cret-b"},
        {"SLACK_BOT_TOKEN": "xoxb-s3cret\udcff"},
        {"REDIS_URL": "redis://:s3cret@redis:99999/x?db=y&z=1"},
    ],
)
def test_a_traceback_never_contains_the_secret(environ: dict[str, str]):
    """Pydantic's message contains the value, so it is not passed on."""
    with pytest.raises(SettingsError) as caught:
        load(environ, None)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_all_errors_of_one_setting_are_reported():
    """A setting with three errors has three sentences."""
    with pytest.raises(SettingsError) as caught:
        load(GOOD | {"REDIS_URL": "redis://h:99999/x?db=two"}, None)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["REDIS_URL"] * 3


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Variables are read by their exact names in capitals; others are ignored."""
    for name, value in {**GOOD, "bot_stack": "lower", "BOT_SERVICE": "web"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOT_UNKNOWN", "1")
    settings = load(secrets_dir=tmp_path)
    assert (settings.bot_stack, settings.bot_service) == ("orochi", "web")


def test_an_app_token_or_a_signing_secret_is_required():
    """Without an app token and a signing secret, one sentence names both."""
    with pytest.raises(SettingsError, match="SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"):
        load({"SLACK_BOT_TOKEN": "xoxb-1"}, None)


def test_a_secret_file_wins_over_the_environment(tmp_path):
    """A file of the same name has the token; its last line break is not part of it."""
    (tmp_path / "SLACK_BOT_TOKEN").write_text("xoxb-file\n")
    (tmp_path / "BOT_STACK").write_text("not-a-secret")
    settings = load(GOOD, tmp_path)
    assert settings.slack_bot_token.get_secret_value() == "xoxb-file"
    assert settings.bot_stack == "orochi"


def test_an_empty_secret_file_wins_too(tmp_path):
    """This is reported as an error; no other token is used."""
    (tmp_path / "SLACK_BOT_TOKEN").write_text("\n")
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN: missing"):
        load(GOOD, tmp_path)


def test_a_link_out_of_the_secrets_folder_is_not_followed(tmp_path):
    """There is a warning that does not contain the target."""
    (tmp_path / "elsewhere").write_text("xoxb-elsewhere")
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "SLACK_BOT_TOKEN").symlink_to(tmp_path / "elsewhere")
    with pytest.warns(UserWarning, match="resolves outside") as warned:
        settings = load(GOOD, folder)
    assert settings.slack_bot_token.get_secret_value() == "xoxb-1"
    assert "xoxb" not in str(warned[0].message)


@pytest.mark.parametrize("folder", ["missing", "SLACK_BOT_TOKEN"])
def test_the_environment_is_used_without_a_secrets_folder(tmp_path, folder: str):
    """This holds for a missing folder and for a path that is a file."""
    (tmp_path / "SLACK_BOT_TOKEN").write_text("xoxb-file")
    assert load(GOOD, tmp_path / folder).slack_bot_token.get_secret_value() == "xoxb-1"


def test_an_empty_value_means_the_default_except_for_optional_settings():
    """The stack file sets every variable; only the control socket has a meaning when empty."""
    settings = load({**GOOD, "BOT_STACK": " ", "BOT_CONTROL_SOCKET": " "}, None)
    assert settings.bot_stack == "orochi"
    assert settings.bot_control_socket == ""
    assert load(GOOD, None).bot_control_socket.startswith("/")


def test_secrets_are_not_in_the_repr():
    """The repr of the settings contains no token."""
    assert "xoxb-1" not in repr(load(GOOD, None))


def test_the_table_of_settings_matches_the_code():
    """Every setting is in the page's table with its default and its help, and no other."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", _page_settings(), re.MULTILINE)
    assert rows == [
        (env_name(field), _default(field), str(info.description))
        for field, info in Settings.model_fields.items()
    ]


def _page_settings() -> str:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return text.partition("## Settings")[2].partition("\n## ")[0]


def _default(field: str) -> str:
    info = Settings.model_fields[field]
    value = info.default.get_secret_value() if is_secret(info) else info.default
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if value != "" else "\u2013"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"BOT_LOG_LEVEL": "loud"}, "BOT_LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR"),
        ({"DOCKER_HOST": "unix://"}, "DOCKER_HOST: must be like unix:///var/run/docker.sock or "),
        ({"DOCKER_HOST": "tcp://"}, "DOCKER_HOST: must be like unix:///var/run/docker.sock or "),
        ({"REDIS_URL": "redis://"}, "REDIS_URL: must be like redis://HOST:6379/0"),
        (
            {"REDIS_URL": "redis://h/abc"},
            "REDIS_URL: only the number of a database may follow the host",
        ),
        (
            {"REDIS_URL": "redis://h/1/2"},
            "REDIS_URL: only the number of a database may follow the host",
        ),
        ({"REDIS_URL": "redis://h/0?socket_timeout=9"}, "REDIS_URL: only the options db and ssl_"),
        ({"REDIS_URL": "redis://h/0?db=two"}, "REDIS_URL: its db is not a number"),
        ({"REDIS_URL": "unix:///redis.sock?db=two"}, "REDIS_URL: its db is not a number"),
        ({"BOT_HTTP_HOST": "http://x"}, "BOT_HTTP_HOST: must be an address or a host's name"),
    ],
)
def test_invalid_values_are_reported_with_an_example(environ: dict[str, str], said: str):
    """Each is one of the listed sentences, not a later error."""
    with pytest.raises(SettingsError) as caught:
        load(GOOD | environ, None)
    (problem,) = caught.value.problems
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "environ",
    [
        {"BOT_LOG_LEVEL": "warning"},
        {"DOCKER_HOST": "tcp://manager:2375"},
        {"REDIS_URL": "redis://:pass@redis:6379"},
        {"REDIS_URL": "rediss://user:pass@redis/3?ssl_cert_reqs=none"},
        {"REDIS_URL": "redis://redis/?db=2"},
        {"REDIS_URL": "unix:///run/redis.sock?db=1"},
        {"BOT_HTTP_HOST": "::"},
        {"BOT_HTTP_HOST": "0.0.0.0"},
    ],
)
def test_valid_values_are_accepted(environ: dict[str, str]):
    """Common ways to write a Redis, an engine or an address."""
    (name,) = environ
    assert getattr(load(GOOD | environ, None), name.lower())


def test_an_unreadable_secrets_file_is_one_of_the_errors(tmp_path):
    """It is named once, together with all other errors, and its content is not shown."""
    (tmp_path / "SLACK_BOT_TOKEN").write_bytes(b"xoxb-\xff\xfe")
    with pytest.raises(SettingsError) as caught:
        load({"SLACK_APP_TOKEN": "xapp-1", "BOT_HTTP_PORT": "x"}, tmp_path)
    first, second = caught.value.problems
    assert first == "SLACK_BOT_TOKEN: its file in the secrets folder is not text (UTF-8)"
    assert second.startswith("BOT_HTTP_PORT")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("BOT_OPERATOR", "BOT_OPERATORS"),
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("REDIS_PASSWRD", "REDIS_PASSWORD"),
    ],
)
def test_a_misspelt_variable_is_named(typed, meant):
    """Also when the bot cannot start, which may be the reason."""
    sentence = f"{typed} is not a setting. Did you mean {meant}?"
    assert misspelt({typed: "x"}) == [sentence]
    with pytest.raises(SettingsError) as error:
        load({typed: "x"}, None)
    assert error.value.problems[-1] == sentence


def test_other_variables_are_not_taken_for_settings():
    assert misspelt({"REDIS_PORT": "tcp://10.0.0.5:6379", "PATH": "/bin", "SLACK": "1"}) == []
