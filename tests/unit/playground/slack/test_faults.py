"""The emulator's rate limits and injected faults."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import RateLimits, RateRule, SlackEmulator
from playground.slack.refusals import RateLimited

SWARM, ALERTS = "C0SWARM001", "C0ALERTS01"


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as emulator:
        yield emulator


def allowed(rates: RateLimits, method: str, channel: str = SWARM) -> int:
    """How many consecutive calls are accepted."""
    for count in range(1000):
        try:
            rates.take(method, channel)
        except RateLimited:
            return count
    return 1000


@pytest.mark.parametrize(
    ("method", "calls"),
    [("chat.update", 50), ("chat.postEphemeral", 100), ("views.open", 100)],
)
def test_a_tier_limits_calls_per_minute_over_all_channels(clock, method, calls):
    rates = RateLimits(clock)
    assert allowed(rates, method) == calls
    assert allowed(rates, method, ALERTS) == 0
    clock.now += 60
    assert allowed(rates, method) == calls


def test_posting_allows_a_burst_then_one_per_second_and_channel(clock):
    rates = RateLimits(clock)
    assert [allowed(rates, "chat.postMessage", each) for each in (SWARM, ALERTS)] == [5, 5]
    clock.now += 1
    assert allowed(rates, "chat.postMessage") == 1
    clock.now += 60
    assert allowed(rates, "chat.postMessage") == 5


def test_ignoring_retry_after_is_recorded(clock):
    rates = RateLimits(clock)
    rates.tighten("chat.update", RateRule(2, seconds=10))
    assert allowed(rates, "chat.update") == 2
    clock.now += 5
    with pytest.raises(RateLimited) as limited:
        rates.take("chat.update", SWARM)
    clock.now += limited.value.retry_after
    rates.take("chat.update", SWARM)
    assert [(each.early, each.retry_after) for each in rates.violations] == [(False, 10), (True, 5)]


def test_limits_that_are_not_enforced_are_counted_too(clock):
    rates = RateLimits(clock, enforced=False)
    for _ in range(51):
        rates.take("chat.update", SWARM)
    assert [each.method for each in rates.violations] == ["chat.update"]


async def test_too_many_calls_get_429_with_retry_after(slack, client):
    slack.rates.tighten("chat.update", RateRule(1, seconds=30))
    posted = await client.chat_postMessage(channel=SWARM, text="x")
    await client.chat_update(channel=SWARM, ts=posted["ts"], text="y")
    with pytest.raises(SlackApiError) as raised:
        await client.chat_update(channel=SWARM, ts=posted["ts"], text="z")
    response = raised.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert 29 <= int(response.headers["Retry-After"]) <= 30
    assert slack.workspace.messages[SWARM, posted["ts"]].text == "y"


async def test_a_channel_has_one_budget_for_its_id_and_name(slack, client):
    slack.rates.tighten("chat.postMessage", RateRule(1, seconds=30, burst=1, per_channel=True))
    await client.chat_postMessage(channel=SWARM, text="x")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel="#swarm", text="x")


async def test_the_clients_retry_handler_honours_an_injected_429(slack, client):
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.faults.rate_limit("chat.postMessage", retry_after=1)
    await client.chat_postMessage(channel=SWARM, text="x")
    first, second = slack.calls_of("chat.postMessage")
    assert (first.error, second.error) == ("ratelimited", "")
    assert second.at - first.at >= 1
    assert slack.rates.violations == []


async def test_a_call_before_retry_after_is_a_violation(slack, client):
    slack.faults.rate_limit("chat.postMessage", retry_after=30)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="ratelimited"):
            await client.chat_postMessage(channel=SWARM, text="x")
    assert [each.early for each in slack.rates.violations] == [True]


async def test_an_injected_error_occurs_the_given_number_of_times(slack, client):
    slack.faults.fail("chat.postMessage", "fatal_error", times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await client.chat_postMessage(channel=SWARM, text="x")
    await client.chat_postMessage(channel=SWARM, text="x")
    assert len(slack.workspace.in_channel(SWARM)) == 1


async def test_a_connection_can_be_refused_with_invalid_auth(slack, client):
    slack.faults.fail("apps.connections.open", "invalid_auth")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.apps_connections_open(app_token=slack.tokens.app)


@pytest.mark.parametrize(("after_effect", "messages"), [(False, 0), (True, 1)])
async def test_a_server_error_before_or_after_the_effect(slack, client, after_effect, messages):
    slack.faults.status("chat.postMessage", 503, after_effect=after_effect)
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel=SWARM, text="x")
    assert raised.value.response.status_code == 503
    assert len(slack.workspace.in_channel(SWARM)) == messages


@pytest.mark.parametrize(("after_effect", "messages"), [(False, 0), (True, 1)])
async def test_a_connection_dropped_before_or_after_the_effect(
    slack, client, after_effect, messages
):
    client.retry_handlers.clear()
    slack.faults.drop("*", after_effect=after_effect)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel=SWARM, text="x")
    assert len(slack.workspace.in_channel(SWARM)) == messages


async def test_a_hanging_call_continues_when_released(slack, client):
    slack.faults.hang("chat.postMessage")
    call = asyncio.ensure_future(client.chat_postMessage(channel=SWARM, text="x"))
    await slack.wait_for_calls("chat.postMessage")
    assert slack.workspace.in_channel(SWARM) == []
    assert not call.done()
    slack.faults.release()
    assert (await call)["ok"]


async def test_a_call_can_hang_after_its_effect(slack):
    client = AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url, timeout=1)
    slack.faults.hang("chat.postMessage", after_effect=True)
    call = asyncio.ensure_future(client.chat_postMessage(channel=SWARM, text="x"))
    message = await slack.wait_for_message()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert message.text == "x"


async def test_an_abandoned_call_is_not_carried_out_later(slack, client):
    slack.faults.hang("chat.postMessage")
    call = asyncio.ensure_future(client.chat_postMessage(channel=SWARM, text="x"))
    await slack.wait_for_calls("chat.postMessage")
    call.cancel()
    await slack.workspace.until(lambda: slack.calls_of("chat.postMessage") or None, 5)
    slack.faults.release()
    assert slack.workspace.in_channel(SWARM) == []


async def test_a_slow_answer_comes_after_its_effect(slack, client):
    slack.faults.slow("chat.postMessage", 0.2)
    call = asyncio.ensure_future(client.chat_postMessage(channel=SWARM, text="x"))
    await slack.wait_for_message()
    assert not call.done()
    assert (await call)["ok"]
    assert slack.calls_of("chat.postMessage")[0].seconds >= 0.2


async def test_unused_faults_can_be_removed(slack, client):
    slack.faults.fail("chat.postMessage", "fatal_error", times=3)
    assert slack.faults.pending("chat.postMessage") == 3
    slack.faults.clear()
    assert (await client.chat_postMessage(channel=SWARM, text="x"))["ok"]


async def test_slack_can_be_away_and_return_on_the_same_port(slack, client):
    before = slack.base_url
    async with aiohttp.ClientSession() as session:
        client.session = session
        await client.api_test()
        async with slack.down():
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.api_test()
        assert (await client.api_test())["ok"]
    assert slack.base_url == before
