"""A file for one person: all steps against the emulator, and the error of each refusal."""

from __future__ import annotations

import pytest

from bot.domain.errors import ChatError, ChatLoginError, ChatUnavailableError
from bot.domain.text.message import Message, Metadata
from bot.runtime.clock import SystemClock
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger
from playground.slack import SlackEmulator
from playground.slack.web_api import BOT_SCOPES, Tokens
from tests.contract.slack_side import ANN, SWARM, a_messenger

BOB = "U0BOB00001"


async def test_a_file_reaches_one_person_in_the_direct_conversation():
    """The file is complete, has its name, and is in no channel."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        await messenger.send_file(ANN, "web.log", "Log of web", b"one\ntwo\n")
        (message,) = slack.workspace.messages.values()
        (file,) = message.files
        assert (file.name, file.title, file.content) == ("web.log", "Log of web", b"one\ntwo\n")
        direct = slack.workspace.channels[message.channel]
        assert direct.is_direct
        assert ANN in direct.members
        assert BOB not in direct.members


@pytest.mark.parametrize("scope", ["files:write", "im:write"])
async def test_a_missing_scope_is_named(scope):
    """The app was installed before the bot sent files."""
    tokens = Tokens(scopes=BOT_SCOPES - {scope})
    async with SlackEmulator(strict=True, tokens=tokens) as slack, a_messenger(slack) as messenger:
        with pytest.raises(ChatLoginError, match=scope):
            await messenger.send_file(ANN, "web.log", "Log", b"text")
        assert not slack.workspace.messages


async def test_a_file_for_an_unknown_person():
    """Slack's own error code is used."""
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        with pytest.raises(ChatError, match="user_not_found"):
            await messenger.send_file("U0NOBODY01", "web.log", "Log", b"text")


async def test_a_failed_upload():
    """A length other than announced, no server at all, no address."""
    async with SlackEmulator(strict=True) as slack:
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url, timeout=5.0)
        place = await api.call("files.getUploadURLExternal", filename="x", length=4)
        for url in (str(place["upload_url"]), "http://127.0.0.1:1/x", "no address"):
            with pytest.raises(ChatUnavailableError, match="did not accept the file"):
                await api.upload(url, b"too long")
        await api.close()


async def test_no_text_leaves_with_a_hidden_value():
    """In messages, their blocks and files; not in metadata, by which messages are found again."""

    def hide(text: str) -> str:
        return text.replace("kite77", "hidden")

    section = {"type": "section", "text": {"type": "mrkdwn", "text": "kite77 again"}}
    said = Message("a kite77", (section,), Metadata("job", {"id": "kite77"}))
    async with SlackEmulator(strict=True) as slack:
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url, hide=hide)
        messenger = Messenger(api, SystemClock())
        ts = await messenger.post(SWARM, said)
        await messenger.send_file(ANN, "web.log", "Log", b"a kite77 in the log")
        await messenger.send_file(ANN, "map.png", "Map", b"\x89PNG kite77")
        await messenger.close()
        await api.close()

    posted = slack.workspace.messages[SWARM, ts]
    assert (posted.text, posted.blocks[0]["text"]["text"]) == ("a hidden", "hidden again")
    assert posted.payload == {"id": "kite77"}
    contents = [file.content for file in slack.workspace.files.values()]
    assert contents == [b"a hidden in the log", b"\x89PNG kite77"]
