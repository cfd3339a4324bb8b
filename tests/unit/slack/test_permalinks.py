"""Addresses of messages, in Slack's own form."""

import pytest

from bot.slack.permalinks import permalink

ACME = "https://acme.slack.com/"
TS = "1355517523.000005"


def test_a_message_has_the_address_that_slack_gives_it():
    assert permalink(ACME, "C1", TS) == "https://acme.slack.com/archives/C1/p1355517523000005"
    assert permalink(ACME, "C1", TS, TS) == permalink(ACME, "C1", TS)


def test_a_reply_names_its_thread():
    address = permalink("https://acme.slack.com", "C1", TS, "1355517500.000001")
    assert address.endswith("/p1355517523000005?thread_ts=1355517500.000001&cid=C1")


@pytest.mark.parametrize("parts", [("", "C1", TS), (ACME, "", TS), (ACME, "C1", "")])
def test_what_is_not_known_has_no_address(parts):
    assert permalink(*parts) == ""
