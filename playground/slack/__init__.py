"""A Slack workspace on loopback that speaks Slack's protocol, and refuses what Slack refuses.

It serves the Web API, Socket Mode, signed HTTP requests and response URLs; `SlackEmulator` starts
it and acts as the people in it.
"""

from playground.slack.delivery import AppDelivery
from playground.slack.faults import SlackFaults
from playground.slack.model import (
    Channel,
    Content,
    File,
    Json,
    Message,
    User,
    View,
    WorkspaceChange,
)
from playground.slack.rates import RateLimits, RateRule, Violation
from playground.slack.server import SlackEmulator
from playground.slack.web_api import BOT_SCOPES, CallRecord, Tokens
from playground.slack.workspace import BOT_USER_ID, Workspace

__all__ = [
    "BOT_SCOPES",
    "BOT_USER_ID",
    "AppDelivery",
    "CallRecord",
    "Channel",
    "Content",
    "File",
    "Json",
    "Message",
    "RateLimits",
    "RateRule",
    "SlackEmulator",
    "SlackFaults",
    "Tokens",
    "User",
    "View",
    "Violation",
    "Workspace",
    "WorkspaceChange",
]
