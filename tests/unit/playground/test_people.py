"""The people of the demo and its first message; the names that its page suggests."""

from __future__ import annotations

from playground.people import ALERTS, BOB, CLEO, DAN, HOST, SWARM, Try, furnished, welcome
from playground.place import _names
from playground.slack import BOT_USER_ID


def test_the_first_message_is_the_demos_and_has_the_commands_to_try() -> None:
    workspace = furnished()

    welcome(workspace, "/swarm", [Try("Look", "status"), Try("Scale", "scale 5")], broken="")

    (said,) = workspace.in_channel(SWARM)
    buttons = said.blocks[1]["elements"]
    assert (said.user, said.bot_id) == (HOST, None)
    assert "`/swarm`" in said.text
    assert [(each["text"]["text"], each["value"]) for each in buttons] == [
        ("Look", "/swarm status"),
        ("Scale", "/swarm scale 5"),
    ]
    assert len({each["action_id"] for each in buttons}) == len(buttons)


def test_a_guest_sees_one_channel_and_the_bot_is_not_in_all() -> None:
    channels = furnished().channels.values()

    assert [each.id for each in channels if DAN in each.members] == [SWARM]
    assert {each.id for each in channels if {BOB, CLEO, BOT_USER_ID} <= each.members} >= {
        SWARM,
        ALERTS,
    }
    assert any(BOT_USER_ID not in each.members and CLEO in each.members for each in channels)


def test_names_are_those_that_people_type() -> None:
    services = {"orochi_web": "orochi", "shop_web": "shop", "alone": "", "shop_api": "shop"}

    found = _names(services, ["m-02", "m-01"], "orochi")

    assert found.services == ("alone", "web", "shop/api", "shop/web")
    assert found.stacks == ("orochi", "shop")
    assert found.nodes == ("m-01", "m-02")
