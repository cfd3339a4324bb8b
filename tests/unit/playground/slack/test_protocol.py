"""Response URLs, the frames of Socket Mode and signed requests, tested on the wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from playground.slack import Content, SlackEmulator
from tests.unit.playground.slack.kit import Clock

SWARM, SECRET = "C0SWARM001", "C0SECRET01"
ANN, BOB = "U0ANN00001", "U0BOB00001"
BUTTON = {
    "type": "button",
    "action_id": "job.confirm",
    "value": "j1",
    "text": {"type": "plain_text", "text": "Confirm"},
}
MENU = {
    "type": "static_select",
    "action_id": "pick",
    "options": [{"text": {"type": "plain_text", "text": "one"}, "value": "1"}],
}
BLOCKS = ({"type": "actions", "block_id": "b", "elements": [BUTTON, MENU]},)


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def url_of(slack: SlackEmulator) -> str:
    client = AsyncWebClient(token=slack.tokens.app, base_url=slack.base_url)
    return str((await client.apps_connections_open(app_token=slack.tokens.app))["url"])


@asynccontextmanager
async def connection(slack: SlackEmulator, session: aiohttp.ClientSession):
    async with session.ws_connect(await url_of(slack)) as socket:
        yield socket, await socket.receive_json()


async def test_a_response_url_works_five_times_without_membership(slack):
    client = AsyncWebhookClient(slack.responses.issue(SECRET, ANN))
    answers = [await client.send(text=str(n), response_type="in_channel") for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[5].body == '{"ok": false, "error": "used_url"}'
    assert [m.text for m in slack.workspace.in_channel(SECRET)] == ["0", "1", "2", "3", "4"]


async def test_a_response_url_works_for_half_an_hour(slack, clock):
    client = AsyncWebhookClient(slack.responses.issue(SWARM, ANN))
    clock.now += 30 * 60 + 1
    answer = await client.send(text="late")
    unknown = await AsyncWebhookClient(f"{slack.root_url}/commands/T/1/x").send(text="x")
    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert "expired_url" in answer.body


async def test_an_answer_is_ephemeral_unless_it_says_otherwise(slack):
    await AsyncWebhookClient(slack.responses.issue(SWARM, BOB)).send(text="for bob")
    assert [m.text for m in slack.workspace.shown_to(BOB)] == ["for bob"]
    assert slack.workspace.shown_to(ANN) == []


async def test_the_original_is_replaced_or_deleted(slack):
    message = slack.workspace.post(SWARM, Content("ask", BLOCKS))
    hidden = slack.workspace.show(SWARM, Content("ask", BLOCKS), only_for=ANN)
    for source in (message, hidden):
        client = AsyncWebhookClient(slack.responses.issue(SWARM, ANN, source))
        await client.send(text="done", replace_original=True)
    assert [(m.text, m.blocks) for m in (message, hidden)] == [("done", ())] * 2
    client = AsyncWebhookClient(slack.responses.issue(SWARM, ANN, hidden))
    await client.send(delete_original=True)
    assert hidden.deleted_at is not None
    assert slack.workspace.shown_to(ANN) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "invalid_payload"),
        ("[]", "invalid_payload"),
        ('{"text": 1}', "invalid_payload"),
        ('{"text": "x", "response_type": "loud"}', "invalid_payload"),
        ('{"text": "x", "blocks": "none"}', "invalid_payload"),
        ('{"text": "x", "blocks": [{"type": "knob"}]}', "invalid_blocks"),
        ("{}", "no_text"),
    ],
)
async def test_a_refused_answer_is_a_400_and_costs_nothing(slack, session, body, code):
    url = slack.responses.issue(SWARM, ANN)
    headers = {"Content-Type": "application/json"}
    for _ in range(6):
        async with session.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, code)
    assert slack.workspace.ephemerals == []


async def test_a_response_url_can_fail(slack):
    slack.faults.rate_limit("response_url", retry_after=1)
    slack.faults.status("response_url", 500)
    client = AsyncWebhookClient(slack.responses.issue(SWARM, ANN))
    first, second = await client.send(text="x"), await client.send(text="x")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert second.status_code == 500


async def test_a_connection_starts_with_hello(slack, session):
    opened = connection(slack, session), connection(slack, session)
    async with opened[0] as (_, first), opened[1] as (_, second):
        assert [hello["num_connections"] for hello in (first, second)] == [1, 2]
    assert first["type"] == "hello"
    assert first["debug_info"]["approximate_connection_time"] > 0


async def test_a_ping_is_answered_with_its_payload(slack, session):
    async with session.ws_connect(await url_of(slack), autoping=False) as socket:
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:1.5")
        frame = await socket.receive()
    assert (frame.type, bytes(frame.data)) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1.5")


async def test_a_ticket_works_once_and_expires(slack, session, clock):
    url = await url_of(slack)
    async with session.ws_connect(url):
        pass
    late = await url_of(slack)
    clock.now += 31
    demanded = await url_of(slack)
    slack.sockets.expire_tickets()
    for dead in (url, late, demanded):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(dead)
        assert refused.value.status == 404
    async with connection(slack, session) as (_, hello):
        assert hello["type"] == "hello"
    assert slack.sockets.refusals == 3


async def test_the_next_ticket_can_be_expired_too(slack, session):
    slack.sockets.expire_tickets()
    url = await url_of(slack)
    for _ in range(2):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_an_eleventh_connection_is_refused(slack, session):
    sockets = []
    for _ in range(11):
        sockets.append(await session.ws_connect(await url_of(slack)))  # noqa: PERF401
    frames = [await socket.receive_json() for socket in sockets]
    assert [frame["type"] for frame in frames] == ["hello"] * 10 + ["disconnect"]
    assert frames[10]["reason"] == "too_many_websockets"
    for socket in sockets:
        await socket.close()


async def test_a_retiring_connection_gets_no_more_payloads(slack, session):
    async with connection(slack, session) as (first, _):
        await slack.sockets.disconnect("warning")
        async with connection(slack, session) as (second, _):
            command = asyncio.ensure_future(slack.command("/orochi", "status"))
            envelope = await second.receive_json()
            await second.send_json({"envelope_id": envelope["envelope_id"]})
            delivery = await command
        told = await first.receive_json()
    assert delivery.ok
    assert (told["type"], told["reason"]) == ("disconnect", "warning")


async def test_connections_can_be_closed_or_broken(slack, session):
    async with connection(slack, session) as (first, _):
        await slack.sockets.disconnect("refresh_requested", close=True)
        assert (await first.receive_json())["type"] == "disconnect"
        assert (await first.receive()).type == aiohttp.WSMsgType.CLOSE
    async with connection(slack, session) as (second, _):
        slack.sockets.abort()
        frame = await second.receive()
        assert second.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
    assert frame.type == aiohttp.WSMsgType.CLOSED
    await slack.wait_for_connections(0)


async def test_a_command_is_an_envelope_and_its_ack_can_answer(slack, session):
    async with connection(slack, session) as (socket, _):
        command = asyncio.ensure_future(slack.command("/orochi", "scale 5", user=BOB))
        envelope = await socket.receive_json()
        answer = {"text": "on it", "response_type": "in_channel"}
        await socket.send_str("no json")
        await socket.send_json(["no object"])
        await socket.send_json({"envelope_id": "another"})
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": answer})
        delivery = await command
    payload = envelope["payload"]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert (payload["command"], payload["text"]) == ("/orochi", "scale 5")
    assert (payload["user_id"], payload["channel_id"]) == (BOB, SWARM)
    assert payload["response_url"] == delivery.response_url
    assert (delivery.body, delivery.envelope_id) == (answer, envelope["envelope_id"])
    assert [m.text for m in slack.workspace.in_channel(SWARM)] == ["on it"]


async def test_an_immediate_answer_that_slack_refuses_is_shown_to_nobody(slack, session):
    async with connection(slack, session) as (socket, _):
        command = asyncio.ensure_future(slack.command("/orochi"))
        envelope = await socket.receive_json()
        blocks = [{"type": "knob"}]
        ack = {"envelope_id": envelope["envelope_id"], "payload": {"blocks": blocks}}
        await socket.send_json(ack)
        delivery = await command
    assert (delivery.error, delivery.shown) == ("invalid_blocks", None)


async def test_without_an_ack_in_time_the_person_sees_a_timeout(slack, session):
    slack.courier.ack_limit = 0.05
    async with connection(slack, session) as (socket, _):
        delivery = await slack.command("/orochi", "status")
        envelope = await socket.receive_json()
    assert (delivery.error, delivery.latency) == ("operation_timeout", None)
    assert envelope["envelope_id"] == delivery.envelope_id


async def test_only_a_repeated_event_is_marked_as_a_retry(slack):
    event = await slack.event({"type": "app_mention", "channel": SWARM})
    command = await slack.command("/orochi", "status")
    repeated = [(await slack.replay(each)).envelope() for each in (event, command)]
    assert (repeated[0]["retry_attempt"], repeated[0]["retry_reason"]) == (1, "timeout")
    assert repeated[1] == command.envelope()


async def test_a_click_has_message_action_and_user(slack):
    message = slack.workspace.post(SWARM, Content("ask", BLOCKS))
    payload = (await slack.press(message, "job.confirm", user=BOB)).payload
    chosen = (await slack.press(message, "pick", value="1")).payload["actions"][0]
    action = payload["actions"][0]
    assert (payload["type"], payload["user"]["id"]) == ("block_actions", BOB)
    assert (action["action_id"], action["value"], action["block_id"]) == ("job.confirm", "j1", "b")
    assert payload["message"]["ts"] == payload["container"]["message_ts"] == message.ts
    assert chosen["selected_option"]["value"] == "1"


async def test_a_click_has_the_state_of_the_messages_fields(slack):
    """As Slack sends it: a field that nobody filled in has no value."""
    field = {"type": "plain_text_input", "action_id": "name"}
    label = {"type": "plain_text", "text": "Name"}
    block = {"type": "input", "block_id": "f", "label": label, "element": field}
    message = slack.workspace.post(SWARM, Content("ask", (block, *BLOCKS)))
    filled = {"f": {"name": {"type": "plain_text_input", "value": "shop"}}}

    empty = (await slack.press(message, "job.confirm")).payload
    typed = (await slack.press(message, "job.confirm", values=filled)).payload

    nothing = {"f": {"name": {"type": "plain_text_input", "value": None}}}
    assert (empty["state"]["values"], typed["state"]["values"]) == (nothing, filled)


async def test_a_click_on_an_ephemeral_message_does_not_include_the_message(slack):
    message = slack.workspace.show(SWARM, Content("ask", BLOCKS), only_for=ANN)
    payload = (await slack.press(message, "job.confirm")).payload
    assert "message" not in payload
    assert payload["container"]["is_ephemeral"] is True


async def test_invisible_buttons_cannot_be_pressed(slack):
    message = slack.workspace.show(SWARM, Content("ask", BLOCKS), only_for=ANN)
    with pytest.raises(LookupError, match=r"no job\.rollback"):
        await slack.press(message, "job.rollback")
    with pytest.raises(LookupError, match="no option"):
        await slack.press(message, "pick", value="2")
    with pytest.raises(LookupError, match="does not see"):
        await slack.press(message, "job.confirm", user=BOB)
    slack.workspace.delete(message)
    with pytest.raises(LookupError, match="does not see"):
        await slack.press(message, "job.confirm")


async def test_a_modal_is_submitted_with_its_values(slack):
    client = AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url)
    command = await slack.command("/orochi")
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}
    opened = await client.views_open(trigger_id=command.trigger_id, view=view)
    values = {"b": {"a": {"type": "plain_text_input", "value": "5"}}}
    shown = slack.workspace.views[opened["view"]["id"]]
    payload = (await slack.submit(shown, values)).payload
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", ANN)
    assert payload["view"]["state"]["values"] == values


class FrozenClock(SdkClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()


class App:
    """An app in HTTP mode that records requests and gives the configured answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answer: Callable[[], web.Response] = web.Response

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.text()))
        return self.answer()


@pytest.fixture
async def app(slack: SlackEmulator) -> AsyncIterator[App]:
    made = App()
    application = web.Application()
    application.router.add_post("/slack/events", made.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield made
    await runner.cleanup()


async def test_requests_are_signed_and_replayed_byte_for_byte(slack, app, clock):
    verifier = SignatureVerifier(slack.tokens.signing_secret, clock=FrozenClock(clock))
    first = await slack.command("/orochi", "scale 5 & more")
    clock.now += 60
    await slack.replay(first)
    assert app.requests[0] == app.requests[1]
    headers, body = app.requests[0]
    assert verifier.is_valid(
        body, headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
    )
    assert parse_qs(body)["text"] == ["scale 5 & more"]
    assert parse_qs(body)["is_enterprise_install"] == ["false"]


async def test_a_repeated_event_is_numbered_in_its_headers(slack, app):
    event = await slack.event({"type": "app_mention"})
    await slack.replay(event)
    assert [h.get("X-Slack-Retry-Num") for h, _ in app.requests] == [None, "1"]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (lambda: web.Response(text="plain"), "plain"),
        (lambda: web.json_response({"text": "object"}), "object"),
        (lambda: web.Response(text="{", content_type="application/json"), "{"),
    ],
)
async def test_the_body_of_a_200_is_the_immediate_response(slack, app, answer, shown):
    app.answer = answer
    delivery = await slack.command("/orochi")
    assert (delivery.ok, delivery.status) == (True, 200)
    assert [m.text for m in slack.workspace.shown_to(ANN)] == [shown]


async def test_any_other_status_is_an_error_for_the_person(slack, app):
    app.answer = lambda: web.Response(status=500, text="oops")
    delivery = await slack.command("/orochi")
    assert (delivery.error, delivery.status) == ("http_service_error", 500)
    assert slack.workspace.ephemerals == []


async def test_an_app_that_is_too_slow_times_out(slack, app):
    slack.courier.ack_limit = 0.05
    released = asyncio.Event()

    async def linger(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    application = web.Application()
    application.router.add_post("/", linger)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    delivery = await slack.command("/orochi")
    released.set()
    await runner.cleanup()
    assert delivery.error == "operation_timeout"
