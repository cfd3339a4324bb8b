"""The demo's page: its size, its load time, and the delay of a message on it."""

from __future__ import annotations

import asyncio
import gzip
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.table import Table, quantile
from playground import page
from tests.browser.browser import Browser
from tests.browser.stage import SWARM, Stage, scaled

LOADS = 15
MANY = 200
POSTS = 30
STATIC = Path(page.__file__).parent / "static"

READY = """
const done = arguments[arguments.length - 1];
const ready = () => document.querySelectorAll('.message').length >= arguments[0];
const tell = () => done([
    performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, performance.now()]);
if (ready()) return requestAnimationFrame(tell);
new MutationObserver((_, watch) => {
    if (ready()) { watch.disconnect(); requestAnimationFrame(tell); }
}).observe(document, {childList: true, subtree: true});
"""
"""Returns, in milliseconds since the load began, the first paint and the time of the messages."""
SEEN = """
const [text, done] = arguments;
const seen = () => [...document.querySelectorAll('.message')].at(-1)?.textContent.includes(text);
if (seen()) return requestAnimationFrame(() => done(Date.now()));
new MutationObserver((_, watch) => {
    if (seen()) { watch.disconnect(); requestAnimationFrame(() => done(Date.now())); }
}).observe(document.body, {childList: true, subtree: true, characterData: true});
"""


async def run() -> list[Table]:
    """The sizes, then a real browser, in a thread because its driver blocks."""
    return [_sizes(), *await asyncio.to_thread(_seen)]


def _sizes() -> Table:
    rows = []
    for name in ("index.html", "page.css", "page.js"):
        body = (STATIC / name).read_bytes()
        rows.append((name, f"{len(body) / 1024:.0f}", f"{len(gzip.compress(body)) / 1024:.0f}"))
    columns = ("", "KiB", "KiB gzipped")
    return Table("page, size", "the files a browser loads", columns, tuple(rows))


def _seen() -> list[Table]:
    with (
        Stage() as stage,
        tempfile.TemporaryDirectory() as folder,
        Browser(Path(folder)) as browser,
    ):
        few = _loads(browser, stage, 0)
        for _ in range(MANY):
            stage.say(channel=SWARM, **scaled(5))
        many = _loads(browser, stage, MANY)
        live = _live(browser, stage)
    return [
        Table(
            "page, first paint",
            f"headless Chromium, {LOADS} loads each, a channel with nothing and with {MANY} job"
            " messages; milliseconds since the load began",
            ("", "first paint median", "p95", "all messages shown median", "p95"),
            (("empty channel", *few), (f"{MANY} messages", *many)),
        ),
        Table(
            "page, live",
            f"{POSTS} posts into a channel of {MANY}; chat.postMessage sent to message painted",
            ("", "median ms", "p95 ms"),
            (("post to paint", *live),),
        ),
    ]


def _loads(browser: Browser, stage: Stage, messages: int) -> tuple[str, ...]:
    paints, wholes = [], []
    for _ in range(LOADS):
        browser.driver.get("about:blank")
        browser.driver.get(stage.page.url)
        painted, whole = browser.driver.execute_async_script(READY, messages)
        paints.append(float(painted))
        wholes.append(float(whole))
    return (*_spread(paints), *_spread(wholes))


def _live(browser: Browser, stage: Stage) -> tuple[str, ...]:
    spent = []
    for number in range(1, POSTS + 1):
        began = time.time()
        stage.say(f"hello {number}!")
        seen = browser.driver.execute_async_script(SEEN, f"hello {number}!")
        spent.append(float(seen) - began * 1000)
    return _spread(spent)


def _spread(values: list[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.0f}", f"{quantile(values, 0.95):.0f}"
