"""What a person reads when a command is not understood, not allowed, or cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from redis.exceptions import AuthenticationError
from requests import HTTPError, Response

from bot.domain.commands.access import Operators
from bot.domain.commands.names import NotFound, resolve_any
from bot.domain.commands.parser import Reply, parse
from bot.domain.commands.spoken import greeting, not_first, subject_unknown
from bot.domain.commands.thread_subject import Subject, completed
from bot.domain.commands.values import (
    Cancel,
    Defaults,
    Deploy,
    ImageTarget,
    Join,
    ListImages,
    ListVersions,
    RotateToken,
    ScaleTarget,
    Update,
)
from bot.domain.commands.values import Scale as Scaling
from bot.domain.errors import BotError, DrawingError, SwarmUnavailableError, UncertainError
from bot.domain.jobs.model import Job, PendingCommand
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.drain_plan import check_room, plan_drain
from bot.domain.operations.image_change import check_platforms, wanted_image
from bot.domain.operations.node_change import check_drain, find_node
from bot.domain.operations.preflight import (
    check_restart,
    check_resume,
    check_roll_back,
    check_scale,
    check_update,
)
from bot.domain.swarm.model import (
    Availability,
    LastChange,
    Look,
    Platform,
    Previous,
    Resources,
    Service,
    StackLook,
    UpdateState,
)
from bot.domain.text.message import Message
from bot.jobs.thread_lookup import STORE_AWAY, TOO_OLD
from bot.ports import CancelResult, Manifest, Request
from bot.ports.engine import JoinTokens
from bot.slack.errors import refusal as slack_refusal
from bot.slack.wording import internal_error, unknown_command
from bot.store.connection import _unavailable
from bot.swarm.failures import translate
from bot.swarm.registry import translated
from bot.swarm.stacks import complaints
from bot.swarm.stacks.env_file import read_env
from bot.swarm.stacks.folder import StackFolder
from bot.views.errors import a_stack, not_an_operator, refused, reply_message, unknown_service
from handlers.boundary import ASK, NOT_FOR_GUESTS, NOT_KNOWN, NOT_OURS
from handlers.cancel import CancelHandler
from handlers.deploy import DeployHandler
from handlers.history import ListVersionsHandler as VersionsHandler
from handlers.images import ListImagesHandler
from handlers.join import JoinHandler
from handlers.messages import UNREAD, overtaken, too_late
from handlers.rollback import StackBack
from handlers.router import UNEXPECTED, Router, may_begin
from handlers.scale import ScaleBack, ScaleHandler
from handlers.update import UpdateHandler
from tests.messages.job_kit import converged, scaling
from tests.messages.lists import a_version
from tests.messages.plans import a_plan
from tests.messages.sample import (
    ANN,
    ASKER,
    AT,
    CHANNEL,
    COMMAND,
    Sample,
    Topic,
    answer,
    context,
    error_message,
    nothing,
    port,
    raised,
)
from tests.messages.swarm import DJANGO, NODES, WORKER, a_service, running

DEFAULTS = Defaults(COMMAND, "worker01", 100)
TYPED = (
    "scael 5",
    "up",
    "worker01 5",
    "frobnicate",
    "help frobnicate",
    "scale",
    "scale worker01",
    "scale five",
    "scale +2",
    "scale 5.5",
    "scale 500",
    "scale 3 5",
    "scale to 5",
    "scale worker01 up by 2",
    "scale --force 5",
    "scale worker01=3 worker01=5",
    "scale worker01=3 =5",
    "scale worker01=3 django",
    "scale worker.01 5",
    "scale a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1",
    "update",
    "update :2.1",
    "update django 2.1",
    "update django to :2.1",
    "update registry.example.com/django:2.1",
    "update django Django:2.1",
    "update django :",
    "update django django@sha256:3f9a",
    "update django=",
    "update django=:2 django=:3",
    "update a=:1 b=:1 c=:1 d=:1 e=:1 f=:1 g=:1 h=:1 i=:1 j=:1 k=:1",
    "update django a b",
    "restart",
    "restart django redis",
    "rollback django redis",
    "rollback django --yes",
    "deploy shop orochi",
    "deploy --force",
    "deploy orochi.yml",
    "deploy sh/op",
    "status django redis",
    "ps django redis",
    "logs",
    "logs django redis",
    "logs django --follow",
    "logs django --since 10m --since 1h",
    "logs django --since yesterday",
    "logs django --lines many",
    "nodes n1 n2",
    "jobs all",
    "incidents django redis",
    "images orochi shop",
    "images sh/op",
    "history orochi shop",
    "history sh/op",
    "drain",
    "drain one two",
    "drain photon/machine",
    "drain --force photon-machine-02",
    "activate",
    "join",
    "join leader",
    "join rotate",
    "cancel",
    "cancel k3f9ab m7p2xq",
    "cancel 42",
)
"""What is not understood: each is answered by the parser."""


def topics() -> tuple[Topic, ...]:
    """By who refuses: the parser, the check of who may, the swarm, the systems around."""
    return (
        Topic(
            "Not understood", "Visible only to the person who typed it.", tuple(_not_understood())
        ),
        Topic(
            "Not understood in a message",
            "Visible only to the person who wrote it; in the direct conversation, a message there.",
            tuple(_in_messages()),
        ),
        Topic(
            "Not allowed, or not possible",
            "Visible only to the person who typed or clicked.",
            (*_not_allowed(), *_not_found(), *_not_possible(), *_buttons(), *_plans()),
        ),
        Topic(
            "Stack files that cannot be deployed",
            "Visible only to the operator who asked; the reason of a job that is refused.",
            tuple(_files()),
        ),
        Topic("Errors", "Visible only to the person who typed or clicked.", tuple(_errors())),
    )


def _not_understood() -> Iterator[Sample]:
    for text in TYPED:
        reply = parse(text, DEFAULTS)
        assert isinstance(reply, Reply), text
        yield Sample(f"`/orochi {text}`", reply_message(reply))


def _in_messages() -> Iterator[Sample]:
    here, alone = replace(DEFAULTS, command="@orochi"), replace(DEFAULTS, command="")
    yield Sample("`thanks @orochi`", reply_message(not_first(here)))
    yield Sample(
        "`web is down, @orochi restart web`", reply_message(not_first(here, "restart web"))
    )
    yield Sample("`@orochi`", reply_message(greeting(here)))
    for title, defaults in (("`@orochi restrat`", here), ("`restrat`, without the name", alone)):
        reply = parse("restrat", defaults)
        assert isinstance(reply, Reply)
        yield Sample(title, reply_message(reply))
    several = completed("restart", Subject(("orochi_web", "orochi_worker01")), here)
    assert isinstance(several, Reply)
    yield Sample(
        "`@orochi restart` in the thread of a job with two services", reply_message(several)
    )
    for title, why in (
        ("that is no longer kept", TOO_OLD),
        ("while Redis is away", STORE_AWAY),
        ("that cannot be read", UNREAD),
    ):
        unknown = reply_message(subject_unknown(why, "restart", here))
        yield Sample(f"`@orochi restart` in the thread of a job {title}", unknown)
    yield Sample("A change that arrives late", too_late(300.0))
    yield Sample("A change that a newer one has overtaken", overtaken(scaling(), here))


def _not_allowed() -> Iterator[Sample]:
    some, none = Operators.parse("UANN,UBOB"), Operators.parse("")
    yield Sample("Not an operator", not_an_operator(some))
    yield Sample("Nobody is an operator", not_an_operator(none))
    away = slack_refusal("usergroups.users.list", "internal_error")
    group: Any = Router(
        context(chat=port(members=away)), _no_handlers(), Operators.parse("SOPS"), DEFAULTS
    )
    request = Request("k", ANN, CHANNEL, action_id="job.cancel", value="k3f9ab")
    yield Sample("The operators' user group is not known", answer(group.press(request)))
    for title, sentence, hint in (
        ("A person of another workspace", NOT_OURS, ""),
        ("A guest of the workspace", NOT_FOR_GUESTS, ASK),
        ("Slack does not say who they are", NOT_KNOWN, "Try again."),
    ):
        yield Sample(title, refused(sentence, hint, unchanged=False))
    everyone: Any = Router(context(), _no_handlers(), Operators.parse("*"), DEFAULTS)
    yield Sample("A button of another version", answer(everyone.press(request)))


def _no_handlers() -> Any:
    handlers = port()
    handlers.looks, handlers.job_presses, handlers.presses = frozenset(), {}, {}
    return handlers


def _not_found() -> Iterator[Sample]:
    twins = (replace(WORKER, id="a"), replace(WORKER, id="b", name="orochi_Worker01"))
    shop = tuple(replace(WORKER, id=n, name=f"{n}_web", stack=n) for n in ("shop", "shop2"))
    alone = replace(WORKER, id="w", name="worker01", stack="")
    for title, typed, services in (
        ("a typing error", "wroker01", (WORKER, DJANGO)),
        ("one of other stacks", "web", (WORKER, *shop)),
        ("a typing error in another stack", "shop/wbe", (WORKER, *shop)),
        ("a typing error in the stack", "shp/web", (WORKER, *shop)),
        ("a stack that is not there", "shp/", (WORKER, *shop)),
        ("no stack like it", "monitoring/", (WORKER, *shop)),
        ("one of the stack and one without a stack", "worker01", (WORKER, alone)),
        ("no name like it", "frontend", (WORKER, DJANGO)),
        ("two that fit", "WORKER01", twins),
        ("the stack is not there", "worker01", ()),
    ):
        found = resolve_any(typed, "orochi", services)
        assert isinstance(found, NotFound)
        error = unknown_service(found, COMMAND)
        yield Sample(f"No such service: {title}", error_message(error))
    whole = a_stack("shop", ("shop/web", "shop/db"), f"{COMMAND} rollback")
    yield Sample("`/orochi rollback shop`: a stack, not a service", error_message(whole))
    one = a_stack("shop", ("shop/web", "shop/db"), "")
    yield Sample("`/orochi restart shop`: a stack, not a service", error_message(one))
    twice = (NODES[0], replace(NODES[0], id="v1other"))
    yield _refusal("No such node: a typing error", lambda: find_node("photon-machine-2", NODES))
    yield _refusal("No such node: no name like it", lambda: find_node("moon", NODES))
    yield _refusal("No such node: two that fit", lambda: find_node("photon-machine-01", twice))
    looks = port(stack_look=StackLook(AT, "shop", (), (), ()), services=())
    empty = context(looks=looks, versions=port(stacks=()))
    asked = ListImagesHandler(empty).answer(ListImages("shop"), ASKER)
    yield Sample("`/orochi images`: no such stack", answer(asked, unchanged=False))
    for title, command, known in (
        ("a stack that was not deployed", ListVersions("shop"), ("orochi", "portainer")),
        ("no stack named", ListVersions(None), ("orochi",)),
    ):
        ctx = context(versions=port(of=(), stacks=known))
        ctx.stack_in = lambda _channel, named=command.stack: named or ""
        asked = VersionsHandler(ctx).answer(command, ASKER)
        yield Sample(f"`/orochi history`: {title}", answer(asked, unchanged=False))


def _refusal(title: str, check: Callable[[], object]) -> Sample:
    return Sample(title, error_message(raised(check)))


def _not_possible() -> Iterator[Sample]:
    paused = replace(WORKER, update=UpdateState.PAUSED)
    stuck = replace(WORKER, update=UpdateState.ROLLBACK_PAUSED)
    back = replace(paused, can_roll_back=True)
    everywhere = a_service("exporter", None)
    look = Look(AT, WORKER, (replace(running(WORKER, 1)[0], up_to_date=False),), NODES)
    yield _refusal("Scale: a global service", lambda: check_scale(everywhere, look, COMMAND))
    yield _refusal("Scale: an update is paused", lambda: check_scale(back, look, COMMAND))
    yield _refusal("Scale: paused, and no way back", lambda: check_scale(paused, look, COMMAND))
    yield _refusal("Scale: a rollback is paused", lambda: check_scale(stuck, look, COMMAND))
    yield _refusal("Restart: an update is paused", lambda: check_restart(back, look, COMMAND))
    yield _refusal("Resume: no update is paused", lambda: check_resume(WORKER))
    yield _refusal("Roll back: never changed", lambda: check_roll_back(DJANGO, COMMAND))
    yield _refusal("Roll back: a rollback is paused", lambda: check_roll_back(stuck, COMMAND))
    for title, change, update in (
        ("after a scale", LastChange.NUMBER, UpdateState.COMPLETED),
        ("after a restart", LastChange.RESTART, UpdateState.COMPLETED),
        ("after a rollback", LastChange.VERSION, UpdateState.ROLLBACK_COMPLETED),
    ):
        service = replace(DJANGO, previous=Previous("p", DJANGO.image, change), update=update)
        yield _refusal(f"Roll back: {title}", partial(check_roll_back, service, COMMAND))
    yield from _updates(back, look)
    twice = Scaling((ScaleTarget("worker01", 5), ScaleTarget("orochi_worker01", 5)))
    asked = ScaleHandler(context(looks=port(services=(WORKER,)), swarm=port(service=WORKER))).begin(
        _draft(), twice
    )
    yield Sample("Scale: one service by both of its names", answer(nothing(asked)))
    drained = [replace(each, availability=Availability.DRAIN) for each in NODES[1:]]
    last = (NODES[0], *drained)
    yield _refusal("Drain: the last node", lambda: check_drain(NODES[0], last))
    big = replace(WORKER, reservation=Resources(3 * 10**9, 6 * 2**30))
    full = StackLook(AT, "", (big,), running(big, 1, 2, 3, reservation=big.reservation), NODES)
    plan = plan_drain(NODES[1], full)
    yield _refusal("Drain: no room elsewhere", lambda: check_room(NODES[1], plan, COMMAND))
    unreached = context(
        nodes=port(join_tokens=JoinTokens({"worker": "x"}, ())), jobs=port(audit=None)
    )
    joining = JoinHandler(unreached).answer(Join("worker"), ASKER)
    yield Sample("Join: no manager can be reached", answer(joining))
    away = SwarmUnavailableError("The engine does not answer.")
    ctx = context(nodes=port(rotate_token=away), jobs=port(audit=None))
    rotating = _certain(JoinHandler(ctx).rotate(RotateToken("worker:x"), ASKER))
    yield Sample("Join: not known whether the token was rotated", answer(rotating))


def _updates(paused: Service, look: Look) -> Iterator[Sample]:
    image, digest = DJANGO.image, f"sha256:{'3f9a1b2c' * 8}"
    by_digest = replace(DJANGO, image=f"registry.example.com/django@{digest}")
    unknown = replace(DJANGO, image="")
    arm, amd = Platform("linux", "aarch64"), Platform("linux", "amd64")
    nodes = [replace(each, platform=arm) for each in NODES]
    yield _refusal(
        "Update: the image that failed", lambda: check_update(paused, look, paused.image, COMMAND)
    )
    yield _refusal("Update: no tag", lambda: wanted_image(by_digest, ""))
    yield _refusal("Update: the image is not known", lambda: wanted_image(unknown, ":2"))
    yield _refusal("Update: another platform", lambda: check_platforms(DJANGO, image, [amd], nodes))
    deploy = replace(scaling(), id="m7p2xq")
    live = replace(DJANGO, image=f"{image}@{digest}")
    newest, other = (Update((ImageTarget("django", each),)) for each in ("", ":2"))
    twice = Update((ImageTarget("django", ":2"), ImageTarget("orochi_django", ":3")))
    away = _look_up(500, "error unmarshalling content: invalid character")
    for title, jobs, found in (
        ("the stack is being deployed", (deploy,), Manifest(digest)),
        ("nothing newer", (), Manifest(digest)),
        ("nothing newer in a private registry", (), Manifest(digest, login=True)),
        ("no such image", (), _look_up(404, "manifest unknown: manifest unknown")),
        ("a login is missing", (), _look_up(401, "unauthorized: authentication required")),
        ("the rate limit", (), _look_up(500, "toomanyrequests: You have reached your limit")),
        ("the registry is away", (), _look_up(500, f"{_GET}: dial tcp: connection refused")),
        ("no registry", (), away),
    ):
        yield Sample(f"Update: {title}", _asked_for(newest, live, jobs, found))
    both = _asked_for(twice, live, (), away)
    yield Sample("Update: one service by both of its names", both)
    for title, found in (("no login", _look_up(401, "unauthorized")), ("away", away)):
        yield Sample(f"Update to another tag: {title}", _asked_for(other, live, (), found))


def _asked_for(command: Update, live: Service, jobs: tuple[Job, ...], found: Any) -> Message:
    """The answer to an update of a service; ``found`` is what its registry has, or its error."""
    ctx = context(
        looks=port(services=(live,)),
        swarm=port(service=live, look=Look(AT, live, running(DJANGO, 1, 2), NODES)),
        jobs=port(active=jobs),
        registry=port(look_up=found),
    )
    return answer(nothing(UpdateHandler(ctx, port()).begin(_draft(), command)))


_GET = 'Get "https://registry.example.com/v2/"'


def _look_up(status: int, said: str) -> BotError:
    """What the adapter makes of an engine's answer about a registry."""
    response = Response()
    response.status_code, response._content = status, json.dumps({"message": said}).encode()
    error = translate(HTTPError(response=response), "unix:///var/run/docker.sock", 30.0)
    error.__cause__ = HTTPError(response=response)
    return translated(error, DJANGO.image, None)


async def _certain(asked: Any) -> Message:
    """Errors as they are shown where it is not known what was changed."""
    try:
        message: Message = await asked
    except UncertainError as error:
        return error_message(error, unchanged=False)
    return message


def _buttons() -> Iterator[Sample]:
    for title, result in (
        ("no such job", CancelResult.UNKNOWN),
        ("it has ended", CancelResult.FINISHED),
        ("it was queued", CancelResult.DEQUEUED),
        ("it runs", CancelResult.ASKED),
    ):
        handler = CancelHandler(context(jobs=port(cancel=result)), port(cancel=None))
        yield Sample(f"Cancel: {title}", answer(handler.answer(Cancel("k3f9ab"), ASKER)))
    for title, job in (
        ("the job still runs", scaling()),
        ("the job changed nothing", replace(converged(), targets=())),
    ):
        ctx = context(jobs=port(load=job))
        pressed = ScaleBack(ctx, ScaleHandler(ctx)).begin(_draft(), "k3f9ab")
        yield Sample(f"[Scale back]: {title}", answer(nothing(pressed)))
    newer = context(versions=port(of=(a_version(7), a_version(6))))
    pressed = StackBack(newer, port()).press(_draft(), converged())
    yield Sample("[Roll back] of a deploy: another came after it", answer(nothing(pressed)))


def _draft() -> PendingCommand:
    return PendingCommand("d4k2m9", "k", "command", "deploy", ANN, CHANNEL, "", AT)


def _plans() -> Iterator[Sample]:
    recording = port()
    recording.plan = a_plan()
    ctx = context(versions=port(of=()), stacks=port(record=recording))
    asked = DeployHandler(ctx, port()).begin(_draft(), Deploy())
    yield Sample("Deploy: the file names no service", answer(nothing(asked)))
    anywhere = StackBack(context(), port()).begin(_draft(), "")
    yield Sample("Roll back: the bot is for no stack", answer(nothing(anywhere)))
    unknown = context(versions=port(of=(), stacks=("shop",)), looks=port(services=()))
    other = StackBack(unknown, port()).begin(_draft(), "sHop")
    yield Sample("Roll back: a stack in other letters", answer(nothing(other)))
    never = StackBack(unknown, port()).begin(_draft(), "orochi")
    yield Sample("Roll back: never deployed", answer(nothing(never)))
    there, gone = (port(services=found) for found in ((WORKER,), ()))
    first = StackBack(context(versions=port(of=(a_version(1),)), looks=there), port())
    yield Sample("Roll back: no other version", answer(nothing(first.begin(_draft(), "orochi"))))
    bad = (a_version(1, Verdict.CRASH_LOOPING),)
    none = StackBack(context(versions=port(of=bad), looks=gone), port())
    yield Sample(
        "Roll back: removed, and no version succeeded",
        answer(nothing(none.begin(_draft(), "orochi"))),
    )


def _files() -> Iterator[Sample]:
    yield _refusal("Deploying is turned off", lambda: StackFolder("").names())
    yield _refusal("The folder is not there", lambda: StackFolder("/nowhere").names())
    yield _refusal(
        "A line of the variables", lambda: read_env("KEY VALUE\nTAG='2.4\n", "orochi.env")
    )
    yield Sample("Variables without a value", error_message(complaints.unset(["TAG"], "orochi")))
    yield Sample("YAML with tags", error_message(complaints.unreadable("orochi")))
    for title, said in (
        ("An unknown key", "services.web Additional property links2 is not allowed"),
        ("An old version", "unsupported Compose file version: 1"),
        ("A required variable", "required variable TAG is missing a value: name a version"),
        ("A dollar sign", "invalid interpolation format for services.web.command: x"),
        ("A network", 'network "front" is declared as external, but could not be found'),
        ("A network of one machine", 'network "front" is declared as external, but it is not in'),
        ("A secret", "service web: secret not found: password"),
        ("A config that changed", "failed to update config orochi_nginx: only updates to labels"),
        ("A file", "open nginx.conf: no such file or directory"),
        ("An undefined volume", 'service "web" refers to undefined volume "data"'),
        ("Not YAML", "yaml: line 3: mapping values are not allowed in this context"),
        ("Anything else", "services.web.ports.0 must be a string"),
    ):
        error = complaints.refusal(said, "orochi", "/stacks")
        yield Sample(f"The docker CLI refuses: {title}", error_message(error))
    for title, removed in (
        ("of another service", frozenset[str]()),
        ("that goes", frozenset({"old"})),
    ):
        web, old = ({"Name": name, "EndpointSpec": _published()} for name in ("web", "old"))
        error_ = complaints.port_taken([("web", web)], [{"Spec": old}], removed)
        assert error_ is not None
        yield Sample(f"A port {title}", error_message(error_))
    modes: tuple[str, dict[str, Any], dict[str, Any]] = (
        "orochi_web",
        {"Mode": {"Replicated": {}}},
        {"Mode": {"Global": {}}},
    )
    changed = complaints.mode_changed("orochi", [modes])
    assert changed is not None
    yield Sample("Another mode", error_message(changed))


def _published() -> dict[str, Any]:
    return {"Ports": [{"PublishedPort": 80}]}


def _errors() -> Iterator[Sample]:
    yield Sample("Redis does not answer", error_message(_unavailable(TimeoutError())))
    lost = _unavailable(TimeoutError())
    lost.doubtful = True
    yield Sample("The answer of Redis was lost", error_message(may_begin(lost, COMMAND)))
    yield Sample("Redis refuses the password", error_message(_unavailable(AuthenticationError())))
    uncertain = UncertainError(
        "Redis stopped answering while job k3f9ab was being queued.",
        hint="Its message will show the result once Redis is back.",
    )
    yield Sample("Redis stopped answering half-way", error_message(uncertain, unchanged=False))
    host = "unix:///var/run/docker.sock"
    for title, error in (
        ("no socket", FileNotFoundError()),
        ("it is not running", ConnectionRefusedError()),
        ("the connection broke", ConnectionResetError()),
        ("it does not answer", TimeoutError()),
    ):
        yield Sample(f"Docker: {title}", error_message(translate(error, host, 5.0)))
    for title, word in (
        ("the bot is not in the channel", "not_in_channel"),
        ("the channel is archived", "is_archived"),
        ("posting is restricted", "restricted_action"),
        ("the message is gone", "thread_not_found"),
        ("the token is not valid", "invalid_auth"),
        ("it failed", "internal_error"),
        ("it does not take the message", "invalid_blocks"),
        ("anything else", "no_text"),
    ):
        yield Sample(f"Slack: {title}", error_message(_slack(word)))
    lacks = slack_refusal("chat.postMessage", "missing_scope", needed="chat:write")
    yield Sample("Slack: a scope is missing", error_message(lacks))
    busy = DrawingError("Too many pictures are being drawn.", hint="Try again in a minute.")
    yield Sample("Map: too many pictures", error_message(busy))
    slow = refused("No answer within 10 s.", "Try again.", unchanged=False)
    yield Sample("No answer in time", slow)
    doubt = Router(context(), _no_handlers(), Operators.parse("*"), DEFAULTS)._look_first()
    slow = refused("No answer within 10 s.", doubt, unchanged=False)
    yield Sample("No answer in time to what may change something", slow)
    unexpected = BotError(UNEXPECTED, hint=doubt)
    yield Sample("An unexpected error", error_message(unexpected, unchanged=False))
    inside = error_message(internal_error(), unchanged=False)
    yield Sample("An error inside the bot", inside)
    yield Sample("Another slash command", error_message(unknown_command("/swarm", COMMAND)))


def _slack(word: str) -> BotError:
    return slack_refusal("chat.postMessage", word, bot_name="orochi")
