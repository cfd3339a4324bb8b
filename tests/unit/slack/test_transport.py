"""The app's manifest requests what the code needs, and proxies are used only where needed."""

from pathlib import Path

import pytest
import yaml

from bot.slack.scopes import NEEDED, REASONS, explained, lacking
from bot.slack.transport import proxy_for, web_client

MANIFEST = Path(__file__).parents[3] / "slack-manifest.yml"
PROXY = "http://proxy.example:3128"


def manifest():
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def test_the_manifest_has_exactly_the_needed_scopes():
    asked = manifest()["oauth_config"]["scopes"]

    assert asked == {"bot": list(REASONS)}
    assert frozenset(asked["bot"]) == NEEDED


def test_the_manifest_says_why_each_scope_is_needed():
    lines = MANIFEST.read_text(encoding="utf-8").splitlines()
    for scope in REASONS:
        (line,) = [line for line in lines if line.strip().startswith(f"- {scope} ")]
        assert "#" in line


def test_the_manifest_enables_the_features_that_the_bot_uses():
    settings = manifest()["settings"]

    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"]["is_enabled"] is True


def test_the_manifest_lets_people_write_to_the_bot():
    """It gets messages that mention it and those to it, not those of channels."""
    asked = manifest()

    assert asked["settings"]["event_subscriptions"]["bot_events"] == [
        "app_home_opened",
        "app_mention",
        "message.im",
    ]
    assert asked["features"]["app_home"]["messages_tab_enabled"] is True
    assert asked["features"]["app_home"]["messages_tab_read_only_enabled"] is False


def test_a_missing_scope_is_named_with_what_does_not_work():
    missing = lacking(NEEDED - {"app_mentions:read"})

    assert explained(missing) == "app_mentions:read (commands that begin with the bot's name)"


def test_the_manifest_has_the_default_command():
    (command,) = manifest()["features"]["slash_commands"]

    assert command["command"] == "/orochi"
    assert command["usage_hint"]


@pytest.fixture
def proxied(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://slack.com/api/", PROXY),
        ("wss://wss-primary.slack.com/link/", PROXY),
        ("http://slack.com/api/", None),
        ("https://127.0.0.1:8443/api/", None),
        ("https://localhost/api/", None),
        ("wss://[::1]:9/link", None),
    ],
)
def test_a_proxy_is_used_for_its_scheme_and_never_for_loopback(proxied, url, proxy):
    assert proxy_for(url) == proxy


def test_hosts_named_in_no_proxy_are_reached_directly(proxied, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "slack.com")
    monkeypatch.setenv("no_proxy", "slack.com")

    assert proxy_for("https://slack.com/api/") is None
    assert proxy_for("https://wss-primary.slack.com/") is None


def test_the_sdk_client_does_not_retry_by_itself(proxied):
    client = web_client("xoxb-1", "http://127.0.0.1:1/api/")

    assert client.retry_handlers == []
    assert client.proxy is None
