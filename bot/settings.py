"""All settings of the bot, from the environment; secrets also from files.

For secret settings, a file of the same name in the secrets folder (``/run/secrets``, where Docker
mounts them) takes precedence over the environment.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ValidationInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SecretsSettingsSource

from bot.domain.commands.access import Operators
from bot.swarm.logins import SETTING, Logins, read_logins

SECRETS_DIR = Path("/run/secrets")


class SettingsError(Exception):
    """Settings are missing or invalid. ``problems`` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(default: Any, text: str, **bounds: Any) -> Any:  # noqa: ANN401 - like pydantic's Field
    return Field(default=default, description=text, **bounds)


class Settings(BaseSettings):
    """The settings by their names in lower case; docs/configuration.md documents them, too."""

    model_config = {"alias_generator": str.upper, "case_sensitive": True, "frozen": True}

    slack_bot_token: SecretStr = _setting(SecretStr(""), "Slack's bot token (`xoxb-…`). Required.")
    slack_app_token: SecretStr = _setting(
        SecretStr(""), "Slack's app-level token (`xapp-…`). With it the bot uses Socket Mode."
    )
    slack_signing_secret: SecretStr = _setting(
        SecretStr(""),
        "Slack's signing secret. Without an app token the bot takes requests at "
        "`POST /slack/events`, and this proves that they are Slack's.",
    )
    slack_api_url: str = _setting("https://slack.com/api/", "Base URL of Slack's Web API.")
    redis_url: SecretStr = _setting(SecretStr("redis://localhost:6379/0"), "Where Redis is.")
    redis_password: SecretStr = _setting(
        SecretStr(""), "Redis' password, if `REDIS_URL` does not contain it."
    )
    redis_prefix: str = _setting("orochi", "Prefix of the bot's keys in Redis.")
    docker_host: str = _setting(
        "unix:///var/run/docker.sock", "The engine of a manager (Docker's own variable)."
    )
    registry_auth: SecretStr = _setting(
        SecretStr(""),
        "The logins of registries: the content of docker's `config.json`, with `auths`. "
        "It is read again when its file has changed.",
    )
    bot_control_socket: str = _setting(
        "/var/run/docker/swarm/control.sock",
        "The control socket of that engine, through which the swarm pushes its changes. "
        "Empty: use polling.",
    )
    bot_command: str = _setting("/orochi", "The slash command.")
    bot_stack: str = _setting("orochi", "The stack that commands are about if they name none.")
    bot_channel_stacks: str = _setting(
        "",
        "The stack that a channel's commands are about, in place of `BOT_STACK`: "
        "`C0123=shop,C0456=monitoring`.",
    )
    bot_service: str = _setting("worker01", "The service that `scale 5` changes.")
    bot_stacks_dir: str = _setting(
        "",
        "Folder with the stacks that can be deployed: `NAME.yml`, and optionally "
        "`NAME.env` with its variables. Empty: deploys are off.",
    )
    bot_operators: str = _setting(
        "",
        "Who can change things: Slack user ids and user-group ids (`S…`), "
        "comma-separated. `*`: every member of the workspace. Empty: nobody.",
    )
    bot_guests: bool = _setting(
        False,  # noqa: FBT003 - the default comes first for every setting
        "Whether guests of the workspace can look: `true` or `false`. Only those named in "
        "`BOT_OPERATORS` can change things.",
    )
    bot_alerts_channel: str = _setting(
        "",
        "Id of the Slack channel for alerts (`C…`). Invite the bot to it. Empty: the bot "
        "sends no alerts.",
    )
    bot_alerts_stacks: str = _setting(
        "",
        "Stacks whose failures become incidents, comma-separated. Empty: every service of "
        "the swarm.",
    )
    bot_alerts_threshold: int = _setting(
        1, "How many failures of a service for one cause raise an alert.", ge=1, le=100
    )
    bot_alerts_quiet_seconds: float = _setting(
        60.0,
        "How long a service must stay healthy after its monitor period before its "
        "incident is resolved, in seconds. The time doubles each time the incident comes "
        "back, up to 30 minutes.",
        ge=1,
        le=3600,
    )
    bot_http_host: str = _setting(
        "127.0.0.1",
        "Address that the HTTP port binds to. `0.0.0.0`: reachable from other machines.",
    )
    bot_http_port: int = _setting(
        8080,
        "Port of `/healthz`, `/readyz`, `/metrics` and HTTP mode. 0: any free port, "
        "printed in the log.",
        ge=0,
        le=65535,
    )
    bot_max_replicas: int = _setting(
        100, "The most replicas that a command can ask for.", ge=1, le=100_000
    )
    bot_job_seconds: float = _setting(
        900.0,
        "Time limit of a job in seconds. A job that takes longer ends as `timed_out`.",
        ge=10,
        le=86_400,
    )
    bot_run_seconds: float = _setting(
        3600.0,
        "Time limit of a command that `run` starts, in seconds. One that takes longer is stopped.",
        ge=10,
        le=604_800,
    )
    bot_watch_seconds: float = _setting(
        60.0,
        "How long the bot keeps watching a service after `converged`, in seconds.",
        ge=0,
        le=3600,
    )
    bot_timelines: bool = _setting(
        True,  # noqa: FBT003 - the default comes first for every setting
        "Whether a finished job gets a picture of its timeline in its thread: `true` or `false`.",
    )
    bot_plan_seconds: float = _setting(
        600.0, "How long a deploy's plan waits for *Confirm*, in seconds.", ge=1, le=86_400
    )
    bot_lease_seconds: float = _setting(
        5.0,
        "If a replica of the bot dies, another one takes over its jobs after this many seconds.",
        ge=1,
        le=60,
    )
    bot_poll_seconds: float = _setting(
        0.2,
        "Without the control socket: shortest pause between two looks at a service with a "
        "job, in seconds.",
        ge=0.05,
        le=60,
    )
    bot_image_watch_seconds: float = _setting(
        900.0,
        "How often to look for a newer image of a service whose label asks for that, in seconds.",
        ge=1,
        le=86400,
    )
    bot_jobs_at_once: int = _setting(20, "How many jobs one replica runs at a time.", ge=1, le=200)
    bot_log_level: Annotated[str, AfterValidator(str.upper)] = _setting(
        "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )

    @field_validator("*", mode="after")
    @classmethod
    def _is_right(cls, value: object, info: ValidationInfo) -> object:
        """Raise an error if the setting is not valid."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if problems := list(_problems(info.field_name or "", text, info.data)):
            raise PydanticCustomError("wrong", "is wrong", {"problems": problems})
        return value

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is used through Socket Mode rather than over HTTP."""
        return bool(self.slack_app_token.get_secret_value())


def env_name(field: str) -> str:
    """The environment variable of a field."""
    return field.upper()


def is_secret(info: FieldInfo) -> bool:
    """Whether the setting may come from a file in the secrets folder."""
    return info.annotation is SecretStr


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a misspelt setting of the bot."""
    names = {env_name(field) for field in Settings.model_fields}
    kinds = tuple({f"{name.partition('_')[0]}_" for name in names})
    found = []
    for name in sorted(set(environ) - names):
        close = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.8)
        if close and name.upper().startswith(kinds):
            found.append(f"{name} is not a setting. Did you mean {close[0]}?")
    return found


def load(
    environ: Mapping[str, str] | None = None, secrets_dir: Path | None = SECRETS_DIR
) -> Settings:
    """Read all settings.

    Raises:
        SettingsError: with every problem, not only the first.
    """
    environ = os.environ if environ is None else environ
    sources = (_SecretFiles(secrets_dir), _Variables(environ))
    try:
        return Settings(_build_sources=(sources, {}))
    except ValidationError as error:
        problems = [each for details in error.errors() for each in _sentences(details)]
    raise SettingsError([*problems, *misspelt(environ)])


def logins_of(settings: Settings) -> Logins:
    """The logins of registries; those of the secret's file follow its changes."""
    return Logins(settings.registry_auth.get_secret_value(), SECRETS_DIR / SETTING)


class _Variables(EnvSettingsSource):
    """The environment. Empty variables count as unset, except the control socket's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Settings)
        values = {name: value.strip() for name, value in environ.items()}
        self.env_vars = {
            name: value for name, value in values.items() if value or name == "BOT_CONTROL_SOCKET"
        }


class _SecretFiles(SecretsSettingsSource):
    """The files of the secrets folder, for secret settings only."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(Settings, folder if folder and folder.is_dir() else None)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """A secret's text, or the error when reading it, which is never a valid value."""
        if not is_secret(field):
            return None, field_name, False
        try:
            return super().get_field_value(field, field_name)
        except (OSError, UnicodeDecodeError) as error:
            return error, env_name(field_name), False


def _sentences(error: ErrorDetails) -> list[str]:
    """The problems of one setting. A secret's text is never shown."""
    name, found = str(error["loc"][0]), error["input"]
    if error["type"] == "wrong":
        return list(error["ctx"]["problems"])
    if isinstance(found, UnicodeDecodeError):
        return [f"{name}: its file in the secrets folder is not text (UTF-8)"]
    if isinstance(found, OSError):
        return [f"{name}: its file in the secrets folder: {found.strerror}"]
    shown = "" if is_secret(Settings.model_fields[name.lower()]) else f" (it is {found!r})"
    return [f"{name}: {error['msg'].lower()}{shown}"]


_CHANNEL_STACK: Final = r"[CDG][A-Z0-9]{2,}\s*=\s*[A-Za-z0-9][\w.-]*"
_RULES: Final = {
    "slack_bot_token": (r"xoxb-\S+|", "a bot token begins with xoxb-"),
    "slack_app_token": (r"xapp-\S+|", "an app-level token begins with xapp-"),
    "slack_api_url": (r"https?://\S+", "must be an http or https address"),
    "redis_url": (
        r"rediss?://[^/\s]\S*|unix://\S*/\S+",
        "must be like redis://HOST:6379/0, rediss://HOST:6379/0 or unix:///PATH",
    ),
    "docker_host": (
        r"unix:///\S+|(tcp|http|https)://[^/\s]\S*",
        "must be like unix:///var/run/docker.sock or tcp://HOST:2375",
    ),
    "bot_control_socket": (r"/.+|", "must be the path of a socket, or empty"),
    "bot_command": (r"/[a-z0-9_-]{1,31}", "must be a slash and up to 31 lower-case letters"),
    "bot_stack": (r"[A-Za-z0-9][\w.-]*", "must be a stack's name"),
    "bot_channel_stacks": (
        rf"({_CHANNEL_STACK}(\s*,\s*{_CHANNEL_STACK})*)?",
        "must be like C0123ABCD=shop,C0456ABCD=monitoring",
    ),
    "bot_service": (r"[A-Za-z0-9][\w.-]*", "must be a service's name"),
    "bot_alerts_channel": (r"[CG][A-Z0-9]{2,}|", "must be a channel's id, like C012ABCDEF"),
    "bot_alerts_stacks": (r"[\w., -]*", "must be names of stacks, separated by commas"),
    "bot_http_host": (r"[\w.:%-]+", "must be an address or a host's name"),
    "bot_log_level": (r"DEBUG|INFO|WARNING|ERROR", "must be DEBUG, INFO, WARNING or ERROR"),
    "redis_prefix": (r"[\w.:-]+", "must be letters, digits and . : - _"),
}
"""The pattern that a setting must match, and how that is described."""


def _problems(field: str, value: str, before: Mapping[str, Any]) -> Iterator[str]:
    """The problems of a setting. ``before`` are the valid settings above it."""
    name = env_name(field)
    pattern, rule = _RULES.get(field, ("", ""))
    if rule and not re.fullmatch(pattern, value):
        yield f"{name}: {rule}"
    if field == "slack_bot_token" and not value:
        yield f"{name}: missing; the app's page shows it under OAuth (xoxb-…)"
    no_app_token = before.get("slack_app_token") == SecretStr("")
    if field == "slack_signing_secret" and not value and no_app_token:
        both = f"SLACK_APP_TOKEN or {name}"
        yield f"{both}: one is needed, the first for Socket Mode, the second for HTTP mode"
    if field == "redis_url":
        yield from (f"{name}: {problem}" for problem in _redis_problems(value))
    if field in {"slack_api_url", "redis_url", "docker_host"} and not _port_is_right(value):
        yield f"{name}: its port is not a number from 0 to 65535"
    if field == "registry_auth":
        yield from (f"{name}: {problem}" for problem in _login_problems(value))
    if field == "bot_channel_stacks" and len(channel_stacks(value)) < value.count("="):
        yield f"{name}: a channel is listed twice"
    if field == "bot_operators":
        for each in Operators.parse(value).invalid:
            yield f"{name}: {each!r} is neither a user id (U…) nor a user-group id (S…) nor *"


def channel_stacks(text: str) -> dict[str, str]:
    """The stacks of channels, by channel id, as in ``BOT_CHANNEL_STACKS``."""
    pairs = (each.partition("=") for each in text.split(",") if each.strip())
    return {channel.strip(): stack.strip() for channel, _, stack in pairs}


def _login_problems(text: str) -> Iterator[str]:
    try:
        read_logins(text)
    except ValueError as error:
        yield str(error)


def _redis_problems(url: str) -> list[str]:
    """The parts of a Redis URL after the host that are ignored, or would disable time limits."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return []
    problems = []
    if parts.scheme in {"redis", "rediss"} and not re.fullmatch(r"/?\d{0,5}", parts.path):
        problems.append("only the number of a database may follow the host")
    if not options.get("db", "0").isdecimal():
        problems.append("its db is not a number")
    if any(name != "db" and not name.startswith("ssl_") for name in options):
        problems.append("only the options db and ssl_… are supported")
    return problems


def _port_is_right(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
