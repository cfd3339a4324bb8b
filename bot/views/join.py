"""How a node joins; visible only to the person who asked."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.text.message import Message
from bot.views.slack.blocks import actions, button, confirm, context, section
from bot.views.slack.text import code_block, line, quoted

ROTATE_BUTTON = "join.rotate"
COMMAND_LENGTH = 1000
NOW_OLD = "Token rotated. The old one no longer works. Nodes already in the swarm are unaffected."


def join_message(
    role: str, token: str, addresses: Sequence[str], command: str, *, rotated: bool = False
) -> Message:
    """The command to type on the new machine; the fallback text does not contain the token.

    ``addresses`` are those of the managers; the first one is used.
    """
    typed = f"docker swarm join --token {token} {addresses[0]}"
    title = f"To join as a *{line(role, 20)}*, run this on the new machine:"
    said = [f"{NOW_OLD}\n{title}" if rotated else title, code_block(typed, COMMAND_LENGTH)]
    others = ", ".join(quoted(address) for address in addresses[1:6])
    print_ = ["Only you see this. Anyone with this token can join. Keep it secret."]
    print_ += [f"Other managers: {others}"] if others else []
    print_ += [f"Revoke it: {quoted(f'{command} join rotate {role}')}"]
    fallback = f"Join the swarm as a {line(role, 20)}"
    return Message(fallback, (section("\n".join(said)), context(*print_)))


def rotate_question(role: str, value: str) -> Message:
    """The confirmation before a token is rotated; ``value`` is the button's."""
    word = line(role, 20)
    text = (
        f"Rotate the join token for {word}s? The old one stops working, also for machines that are"
        " set up to use it. Nodes already in the swarm are unaffected."
    )
    question = confirm(
        "Rotate the token?", f"The old token for {role}s stops working at once.", "Rotate", "No"
    )
    ask = button(ROTATE_BUTTON, f"Rotate the {role} token", value, question)
    return Message(text, (section(f"{text} Nothing was changed."), actions([ask])))
