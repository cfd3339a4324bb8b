"""Write the page of messages anew: `python -m tests.messages`."""

from __future__ import annotations

import sys

from tests.messages.page import PAGE, page


def main() -> None:
    """Write the page and say where it is."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(PAGE.parents[1])} is written\n")


if __name__ == "__main__":
    main()
