"""Hostile text from outside, and what must hold for every message that contains it."""

import json
import re

from hypothesis import strategies as st

from playground.slack.limits import UPDATE_TEXT, check_blocks, check_content, check_metadata
from playground.slack.limits import check_size as check_all
from playground.slack.model import Content, texts_within
from playground.slack.structure import structure_check

STRUCTURE = structure_check()
NASTY = (
    "<!channel>",
    "<!here|x>",
    "<@UEVIL>",
    "<#C123|general>",
    "<http://evil.example|click>",
    "&lt;!channel&gt;",
    "```",
    "`` ` ``",
    "\u202e\u2066txet",
    "\u200b\u200d\ufeff",
    "\x1b[31mred\x1b[0m\x00\x07",
    "\ud800",
    "👩‍🚀" * 20,
    "مرحبا",
    "a\r\nb\rc\u2028d",
    "*_~>",
    "&" * 300,
    "x" * 5000,
)
hostile = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=80),
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from(NASTY), max_size=6).map(" ".join),
    st.text(min_size=1, max_size=20).map(lambda text: text * 250),
)
moments = st.one_of(st.floats(allow_nan=True), st.floats(0, 2e9), st.sampled_from([0.0, -1.0, 1e9]))
_OURS = re.compile(
    r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<@[A-Z0-9]+>|<https://acme\.slack\.com/[\w/]+\|[^|<>]*>"
)


def assert_slack_takes(message, people=()):
    """Check that Slack accepts the message and that no foreign text in it is markup.

    ``people`` are the user ids that may be mentioned.
    """
    blocks = json.loads(json.dumps(list(message.blocks)))
    assert check_blocks(blocks) == []
    assert STRUCTURE(blocks) == []
    check_all(blocks)
    metadata = None
    if message.metadata is not None:
        metadata = {
            "event_type": message.metadata.event_type,
            "event_payload": message.metadata.payload,
        }
        check_metadata(metadata)
    check_content(Content(message.text, tuple(blocks), metadata=metadata), UPDATE_TEXT)
    assert message.text.strip()
    for text in [message.text, *texts_within(blocks)]:
        text.encode()
        assert not re.search(r"[<>]", _OURS.sub("", text)), text
        assert set(re.findall(r"<@([A-Z0-9]+)>", text)) <= set(people)


def shown(message):
    """All the text that a person sees in a message."""
    return "\n".join(texts_within(list(message.blocks)))
