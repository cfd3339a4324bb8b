"""A Slack workspace on loopback that speaks Slack's protocol, and refuses what Slack refuses.

It serves the Web API, Socket Mode, signed HTTP requests and response URLs; `SlackEmulator` starts
it and acts as the people in it.
"""

from playground.slack.delivery import Delivery
from playground.slack.faults import Faults
from playground.slack.model import Change, Channel, Content, File, Json, Message, User, View
from playground.slack.rates import RateLimits, Rule, Violation
from playground.slack.server import SlackEmulator
from playground.slack.web_api import BOT_SCOPES, CallRecord, Tokens
from playground.slack.workspace import BOT_USER_ID, Workspace

__all__ = [
    "BOT_SCOPES",
    "BOT_USER_ID",
    "CallRecord",
    "Change",
    "Channel",
    "Content",
    "Delivery",
    "Faults",
    "File",
    "Json",
    "Message",
    "RateLimits",
    "Rule",
    "SlackEmulator",
    "Tokens",
    "User",
    "View",
    "Violation",
    "Workspace",
]
