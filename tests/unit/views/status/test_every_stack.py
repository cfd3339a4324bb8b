"""``status --all``: every stack in a line, the unhealthy ones first."""

from __future__ import annotations

from bot.domain.swarm.model import Mode, Node, Service, StackLook, Task, TaskState
from bot.domain.text.message import Message
from bot.views.status.every_stack import every_stack_message
from bot.views.status.footer import FooterFacts
from tests.unit.hostile import assert_slack_takes

NOW = 1_700_000_000.0
NODES = (Node("n1", "photon-machine-01", role="manager", manager="leader"),)


def a_service(stack: str, name: str) -> Service:
    full = f"{stack}_{name}" if stack else name
    return Service(full, full, 1, Mode.REPLICATED, 1, stack=stack)


def a_task(service: Service, state: TaskState = TaskState.RUNNING) -> Task:
    desired = TaskState.SHUTDOWN if state.over else TaskState.RUNNING
    return Task(f"t{service.id}", service.id, 1, "n1", state, desired, since=NOW - 9, exit_code=1)


def told(
    *services: Service,
    broken: tuple[str, ...] = (),
    coming: str = "",
    deployed: tuple[str, ...] = (),
) -> Message:
    tasks = []
    for each in services:
        state = TaskState.FAILED if each.name in broken else TaskState.RUNNING
        tasks.append(a_task(each, TaskState.STARTING if each.name == coming else state))
    look = StackLook(NOW, "", services, tuple(tasks), NODES)
    message = every_stack_message(look, FooterFacts(), deployed)
    assert_slack_takes(message)
    return message


def lines(message: Message) -> list[str]:
    text: str = message.blocks[0]["text"]["text"]
    return text.splitlines()


def test_unhealthy_stacks_come_first_then_changing_ones_then_by_name():
    services = [a_service(stack, "web") for stack in ("blog", "shop", "wiki", "")]
    message = told(*services, broken=("wiki_web",), coming="shop_web", deployed=("old", "blog"))

    assert lines(message) == [
        "*4 stacks and services without a stack, 1 unhealthy*",
        "🔴 *wiki*: 1 of 1 service unhealthy: web 0/1",
        "🟡 *shop*: 1 of 1 service changing: web 0/1",
        "🟢 *blog*: 1 service",
        "🟢 _without a stack_: 1 service",
        "⚪ *old*: not in the swarm",
    ]
    assert message.text == "4 stacks and services without a stack, 1 unhealthy."


def test_the_rest_of_many_is_counted():
    names = [f"s{number:02}" for number in range(9)]
    services = [a_service("shop", name) for name in names]
    line = lines(told(*services, broken=tuple(f"shop_{name}" for name in names)))[1]

    assert line.endswith("s04 0/1, s05 0/1, 3 more")


def test_hundreds_of_stacks_fit_in_a_message():
    services = [a_service(f"a-rather-long-name-of-a-stack-{n}", f"web{n}") for n in range(300)]
    message = told(*services, broken=tuple(each.name for each in services))

    assert message.text == "300 stacks, 300 unhealthy."
    assert "more stacks" in str(message.blocks)


def test_an_empty_swarm():
    assert told().text == "There are no services in this swarm."


def test_services_without_a_stack_count_among_the_unhealthy():
    message = told(a_service("shop", "web"), a_service("", "proxy"), broken=("proxy",))

    assert message.text == "1 stack and services without a stack, 1 unhealthy."


def test_it_says_where_the_reasons_are():
    services = [a_service("wiki", "web"), a_service("shop", "web")]

    assert "`/orochi status wiki/` says why" in str(told(*services, broken=("wiki_web",)).blocks)
    assert "says why" not in str(told(*services).blocks)
