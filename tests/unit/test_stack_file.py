"""The stack file has every setting, and passes no secret in the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bot.settings import Settings, env_name, is_secret

STACK: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "stack-bot.yml").read_text(encoding="utf-8")
)
BOT = STACK["services"]["bot"]
NOT_OFFERED = {"DOCKER_HOST"}
"""The engine is reached over the mounted socket."""
NO_SECRET_HERE = {"REDIS_URL"}
"""Its password has its own secret."""


def names(*, secret: bool) -> set[str]:
    fields = Settings.model_fields.items()
    return {env_name(field) for field, info in fields if is_secret(info) == secret}


def test_every_setting_can_be_set() -> None:
    expected = (names(secret=False) - NOT_OFFERED) | NO_SECRET_HERE

    assert set(BOT["environment"]) == expected


def test_each_setting_is_read_from_the_variable_of_its_name() -> None:
    taken = {name: re.findall(r"[$][{](\w+)", value) for name, value in BOT["environment"].items()}

    assert taken == {name: [name] for name in BOT["environment"]}


def test_secrets_are_mounted_under_the_names_that_the_settings_use() -> None:
    assert set(BOT["secrets"]) <= names(secret=True)
    assert set(BOT["secrets"]) == set(STACK["secrets"])


def test_the_texts_for_missing_variables_contain_no_operator() -> None:
    """The CLI takes the first `-` or `?` of a variable as its operator, wherever it is."""
    raw = str(STACK)
    texts = [part.partition("}")[0] for part in raw.split(":?")[1:]]

    assert len(texts) == 2
    assert [text for text in texts if set("-?+") & set(text)] == []
