"""The demo with engines whose pulls time out after a second: ``hasty_demo ARGUMENTS``."""

from __future__ import annotations

import sys

from playground.__main__ import main
from playground.swarm.images import Registry

if __name__ == "__main__":
    Registry.patience = 1.0
    sys.exit(main())
