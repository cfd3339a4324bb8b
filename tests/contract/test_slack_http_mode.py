"""Requests that are not from Slack get 401, whatever their headers, and are never logged."""

import asyncio
import hmac
import time

import aiohttp
import pytest

from bot.slack.http_mode import rejection
from playground.slack.http_mode import signature
from tests.contract.slack_side import COMMAND, connected

SECRET = "emulator-signing-secret"
BODY = "command=/orochi&text=private+words&trigger_id=1.2&user_id=U1&channel_id=C1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed(body: str = BODY, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a request that Slack signed."""
    moment = int(time.time() if at is None else at)
    return FORM | {
        "X-Slack-Request-Timestamp": str(moment),
        "X-Slack-Signature": signature(secret, moment, body),
    }


async def post(url: str, headers: dict[str, str], body: bytes = BODY.encode()) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status


FORGED = {
    "no headers": FORM,
    "wrong secret": signed(secret="another"),
    "six minutes old": signed(at=time.time() - 360),
    "a day ahead": signed(at=time.time() + 86_400),
    "timestamp that is no number": signed() | {"X-Slack-Request-Timestamp": "soon"},
    "negative timestamp": signed() | {"X-Slack-Request-Timestamp": "-1"},
    "timestamp in other digits": signed() | {"X-Slack-Request-Timestamp": "١٢٣"},
    "endless timestamp": signed() | {"X-Slack-Request-Timestamp": "9" * 5000},
    "empty signature": signed() | {"X-Slack-Signature": ""},
    "signature beyond ASCII": signed() | {"X-Slack-Signature": "v0=ümläut"},
    "signature of no text": signed() | {"X-Slack-Signature": "v0=\udcff"},
    "signature of another body": signed(body=BODY + "&more=1"),
}


@pytest.mark.parametrize("what", FORGED)
async def test_requests_not_signed_by_slack_are_refused(what, caplog):
    async with connected("http") as side:
        status = await post(side.slack.request_url, FORGED[what])

    assert status == 401
    assert side.received.requests == []
    assert "private words" not in caplog.text
    assert "private+words" not in caplog.text


async def test_requests_signed_by_slack_are_accepted():
    async with connected("http") as side:
        status = await post(side.slack.request_url, signed())

    assert status == 200
    assert side.received.requests[0].text == "private words"


async def test_a_signed_body_that_is_not_text_is_harmless():
    body = b"\xff\xfe=1"
    moment = int(time.time())
    assert rejection({}, body, SECRET, moment) != ""
    async with connected("http") as side:
        assert await post(side.slack.request_url, signed(), body) == 401


def test_a_body_that_is_not_text_is_refused_even_if_signed():
    body, moment = b"text=\xff", str(int(time.time()))
    digest = hmac.new(SECRET.encode(), b"v0:" + moment.encode() + b":" + body, "sha256")
    headers = {
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }

    assert rejection(headers, body, SECRET, float(moment)) == "wrong signature"


def test_signatures_are_checked_against_the_given_time():
    """The given time is used, not the machine's: a request of last year was valid then."""
    then = 1_700_000_000.0

    assert rejection(signed(at=then), BODY.encode(), SECRET, then + 299) == ""
    assert rejection(signed(at=then), BODY.encode(), SECRET, then + 301) != ""


async def test_slacks_certificate_check_is_answered():
    """It is unsigned (https://docs.slack.dev/interactivity/implementing-slash-commands)."""
    async with connected("http") as side:
        assert await post(side.slack.request_url, FORM, b"ssl_check=1&token=abc") == 200
    assert side.received.requests == []


async def test_before_and_after_listening_requests_are_turned_away():
    async with connected("http") as side:
        await side.service.stop_listening()
        assert await post(side.slack.request_url, signed()) == 503


async def test_fifty_commands_at_once_are_all_answered():
    async with connected("http") as side:
        commands = (side.slack.command(COMMAND, str(number)) for number in range(50))
        answers = await asyncio.gather(*commands)

    assert all(answer.ok for answer in answers)
    assert len(side.received.requests) == 50
