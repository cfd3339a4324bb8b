"""The documentation of the convergence state machine, generated from the tables of rules."""

from __future__ import annotations

from bot.domain.convergence.rule import Phase, Rule
from bot.domain.convergence.rules import CONVERGING, PROBATION

_TABLES = ((Phase.CONVERGING, CONVERGING), (Phase.PROBATION, PROBATION))


def diagram() -> str:
    """A mermaid state diagram: one arrow for each verdict of a phase, with its rules."""
    lines = [
        "stateDiagram-v2",
        "    [*] --> converging: the change is applied",
        "    converging --> probation: converged, provisional",
    ]
    for phase, rules in _TABLES:
        verdicts = dict.fromkeys(verdict for rule in rules for verdict in rule.ends)
        for verdict in verdicts:
            names = ", ".join(rule.name for rule in rules if verdict in rule.ends)
            lines.append(f"    {phase.value} --> {verdict.value}: {names}")
    return "\n".join(lines) + "\n"


def table(phase: Phase) -> str:
    """The rules of a phase in order of evaluation, as a Markdown table."""
    rules = dict(_TABLES)[phase]
    lines = ["| # | rule | applies when | verdict |", "|---|---|---|---|"]
    lines += [_row(number, rule) for number, rule in enumerate(rules, start=1)]
    return "\n".join(lines) + "\n"


def _row(number: int, rule: Rule) -> str:
    verdicts = ", ".join(f"`{verdict.value}`" for verdict in rule.ends)
    return f"| {number} | {rule.name} | {rule.says} | {verdicts} |"
