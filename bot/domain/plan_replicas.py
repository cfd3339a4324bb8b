"""How many replicas a deploy gives a service: what was scaled by hand is kept.

The docker CLI sets every service to the file's number, or to 1. Here, in this order:

1. a global service has no number;
2. a new service gets the file's number, or 1;
3. where the file names none, the present number stays (``UNSTATED``);
4. where the file names the present one, nothing changes (``UNCHANGED``);
5. where the bot deployed the service before: the file's number if the file changed it since then
   (``FILE``), else the present one (``SCALED``);
6. where it did not: the present one if the service's last change was a scale away from the very
   number that the file names (``SCALED``), else the file's (``FILE``).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.plan import ReplicaRule, Replicas


def decide(
    name: str,
    live: int | None,
    file: int | None,
    *,
    scaled_from: int | None,
    deployed: Mapping[str, int | None] | None,
) -> Replicas:
    """The replicas of a replicated service. ``live`` is None for one that is new.

    ``deployed`` are the numbers of the last deployed file by full names, None when the bot never
    deployed the stack; ``scaled_from`` is the number before the last change where that was
    nothing but a scale, else None.
    """
    if live is None:
        return Replicas(None, file, 1 if file is None else file, ReplicaRule.FILE)
    if file is None:
        return Replicas(live, file, live, ReplicaRule.UNSTATED)
    if live == file:
        return Replicas(live, file, file, ReplicaRule.UNCHANGED)
    before = deployed[name] if deployed is not None and name in deployed else scaled_from
    if before == file:
        return Replicas(live, file, live, ReplicaRule.SCALED)
    return Replicas(live, file, file, ReplicaRule.FILE)
