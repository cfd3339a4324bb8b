"""The playground needs exactly the packages of its lock file; the bot works without it."""

from __future__ import annotations

from importlib.metadata import packages_distributions

from tests.unit.test_wheel import IMPORT_ALL, ROOT, distribution, locked, run


def test_every_module_imports_with_what_make_demo_installs() -> None:
    """Warnings are errors, and every import of a development package is refused."""
    only_dev = locked("requirements/dev.lock") - locked("requirements/playground.lock")
    blocked = {
        module
        for module, origins in packages_distributions().items()
        if {distribution(origin) for origin in origins} <= only_dev
    }
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "playground").rglob("*.py")
        if "node_modules" not in path.parts
    }

    words = (str(ROOT), ",".join(sorted(blocked)), "playground")
    done = run("-I", "-W", "error", "-c", IMPORT_ALL, *words)

    assert "pytest" in blocked
    assert "playground.__main__" in modules
    assert set(done.split()) == modules


WITHOUT = """
import sys

sys.modules["playground"] = None
import bot.__main__

print("bot.app" in sys.modules)
"""


def test_the_bot_starts_without_the_playground() -> None:
    assert run("-W", "error", "-c", WITHOUT, cwd=ROOT).strip() == "True"
