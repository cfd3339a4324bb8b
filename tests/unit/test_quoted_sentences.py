"""The sentences of the bot that documents quote exist in its code.

A quote is a line that begins with ``>``. Words in capitals that are listed in ``PLACEHOLDERS``, and
``…``, stand for values that the bot fills in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/troubleshooting.md", "docs/faq.md")
PLACEHOLDERS = (
    "NAME",
    "SERVICE",
    "NODE",
    "JOB",
    "HOST",
    "REASON",
    "COMMAND",
    "METHOD",
    "N",
    "/orochi",
    "…",
)
FILLED_IN = "\0"
"""Marks a filled-in value in a text of the code."""
BETWEEN = "\1"
"""Separates two texts."""
SHORTEST = 15
"""Shorter texts could match by chance."""

QUOTE = re.compile(r"^> (.+)$", re.MULTILINE)
PLACEHOLDER = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in PLACEHOLDERS))
TEMPLATE = re.compile(r"\{\w+(?::[^{}]*)?\}")


def quotes(page: str) -> list[str]:
    """The sentences of the bot that a page quotes."""
    return QUOTE.findall((ROOT / page).read_text(encoding="utf-8"))


@cache
def everything_said() -> str:
    """Every text in the code of the bot, with a mark in place of each filled-in value."""
    files = [path for folder in ("bot", "handlers") for path in (ROOT / folder).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    return BETWEEN.join(sorted({text for tree in trees for text in texts(tree)}))


def texts(tree: ast.AST) -> Iterator[str]:
    """The texts of a module except docstrings."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if not isinstance(node, ast.Expr) and (text := text_of(child)):
                yield text


def text_of(node: ast.AST) -> str:
    """The text of a literal; "" for everything else."""
    match node:
        case ast.Constant(value=str(text)):
            return TEMPLATE.sub(FILLED_IN, text)
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part) or FILLED_IN for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return (text_of(left) or FILLED_IN) + (text_of(right) or FILLED_IN)
        case _:
            return ""


def is_said(quote: str, said: str) -> bool:
    """Whether a text of the code matches, word by word except for filled-in values."""
    fixed = PLACEHOLDER.split(quote)
    if sum(map(len, fixed)) < SHORTEST:
        return False
    places = [f"(?:{FILLED_IN}|{re.escape(word)})" for word in PLACEHOLDER.findall(quote)]
    pattern = "".join(map("".join, zip_longest(map(re.escape, fixed), places, fillvalue="")))
    return re.search(pattern, said) is not None


@pytest.mark.parametrize("page", PAGES)
def test_every_quoted_sentence_exists_in_the_code(page: str) -> None:
    quoted = quotes(page)

    assert len(quoted) >= 4
    assert [quote for quote in quoted if not is_said(quote, everything_said())] == []


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("Redis does not answer, so the bot cannot keep its jobs.", True),
        ("There is no service SERVICE in the stack NAME.", True),
        ("There is no service SERVICE in the stack.", False),
        ("Redis does not respond, so the bot cannot keep its jobs.", False),
        ("There is … in the stack NAME.", False),
        ("REASON", False),
    ],
)
def test_a_quote_must_be_exact_except_for_filled_in_values(quote: str, expected: bool) -> None:
    said = BETWEEN.join(
        [
            "Redis does not answer, so the bot cannot keep its jobs.",
            f"There is no service {FILLED_IN} in the stack {FILLED_IN}.",
        ]
    )

    assert is_said(quote, said) is expected
