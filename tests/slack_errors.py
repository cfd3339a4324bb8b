"""Write the page of Slack's error words anew: `python -m tests.slack_errors`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.slack.error_words import COMMON, METHODS, UNLISTED, Reaction

PAGE = Path(__file__).parents[1] / "docs" / "slack-errors.md"
INTRODUCTION = """# What Slack answers, and what the bot does

Every method of Slack's Web API that the bot calls, every error word that Slack's page of that
method lists, and what the bot does about it. `bot/slack/error_words.py` is the table;
`python -m tests.slack_errors` writes this page from it. The playground's Slack refuses with these
words only.

A word that is not here is reported once in the log; the call is not repeated, and other messages
go on. If it hides a verdict, the verdict is posted again in the channel or, if Slack refuses that
as well, sent to the person as a direct message.

## What the bot does

| Reaction | What the bot does |
|---|---|
"""


def page() -> str:
    """The page, as the table has it."""
    reactions = "\n".join(f"| {_name(each)} | {each.value} |" for each in Reaction)
    parts = [
        INTRODUCTION + reactions,
        "## Words of every method\n\nUnless a method's own table says otherwise.\n\n"
        + _table(COMMON),
    ]
    for method, errors in sorted(METHODS.items()):
        own = _table(errors.words) if errors.words else "No words of its own."
        parts.append(f"## `{method}`\n\n[Slack's page]({errors.page})\n\n{own}")
        if method in UNLISTED:
            parts[-1] += "\n\nAnswered, though not on that page:\n\n" + _table(UNLISTED[method])
    parts.append("## Response URLs\n\nAny other word: the answer goes another way.\n\n")
    return "\n\n".join(parts).rstrip() + "\n\n" + _table(UNLISTED["response_url"]) + "\n"


def _table(words: Mapping[str, Reaction]) -> str:
    return "\n".join(["| Words | Reaction |", "|---|---|", *_rows(words)])


def _rows(words: Mapping[str, Reaction]) -> Iterator[str]:
    for reaction in Reaction:
        named = [f"`{word}`" for word in sorted(words) if words[word] is reaction]
        if named:
            yield f"| {', '.join(named)} | {_name(reaction)} |"


def _name(reaction: Reaction) -> str:
    return reaction.name.lower().replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(PAGE.parents[1])} is written\n")
