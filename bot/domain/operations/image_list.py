"""What each service runs, compared with what its registry has under the tag now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from bot.domain.operations.image_change import short_digest
from bot.domain.swarm.image_name import flaw_of, read_image
from bot.domain.swarm.model import Service, Task, TaskState


class Standing(Enum):
    """A service's image compared with its registry's."""

    NEWER = "newer"
    """The registry has another image under the tag."""
    UNKNOWN = "unknown"
    """The registry could not be asked."""
    UNPINNED = "unpinned"
    """The service names a tag without a digest, so it is not known which image its nodes run."""
    NEWEST = "newest"
    FIXED = "fixed"
    """The service names a digest without a tag: there is nothing to compare."""

    @property
    def is_replaced(self) -> bool:
        """Whether an update of all services sets the image."""
        return self in {Standing.NEWER, Standing.UNPINNED}


@dataclass(frozen=True, slots=True)
class ServiceImage:
    """The image of one service.

    ``name`` is without the digest, ``digest`` its first digits, "" if it has none. ``since`` is
    when the oldest task of the present version came to run, in Unix seconds, 0.0 if none runs.
    ``newest`` are the first digits of what the registry has, ``why`` is why that is unknown.
    """

    service: Service
    name: str
    digest: str
    since: float
    standing: Standing
    newest: str = ""
    why: str = ""


def tags_of(services: Iterable[Service]) -> tuple[str, ...]:
    """The names to look up, each once."""
    names = (_tag(service.image) for service in services)
    return tuple(sorted({name for name in names if name}))


def compared(
    services: Iterable[Service],
    tasks: Iterable[Task],
    found: Mapping[str, str],
    troubles: Mapping[str, str],
) -> tuple[ServiceImage, ...]:
    """Each service with its image: first what is not the newest, then by name.

    ``found`` are the registries' digests by name, ``troubles`` why there is none.
    """
    running: dict[str, float] = {}
    for task in tasks:
        if task.state is TaskState.RUNNING and task.up_to_date:
            known = running.get(task.service_id, task.since)
            running[task.service_id] = min(known, task.since)
    rows = [
        _compared(service, running.get(service.id, 0.0), found, troubles) for service in services
    ]
    order = list(Standing)
    return tuple(sorted(rows, key=lambda row: (order.index(row.standing), row.service.name)))


def _compared(
    service: Service, since: float, found: Mapping[str, str], troubles: Mapping[str, str]
) -> ServiceImage:
    tag = _tag(service.image)
    if not tag:
        return ServiceImage(
            service,
            service.image.partition("@")[0],
            short_digest(service.image),
            since,
            Standing.FIXED,
        )
    row = ServiceImage(service, tag, short_digest(service.image), since, Standing.NEWEST)
    newest = found.get(tag, "")
    if not newest:
        return replace(row, standing=Standing.UNKNOWN, why=troubles.get(tag, ""))
    short = short_digest(f"@{newest}")
    if not row.digest:
        return replace(row, standing=Standing.UNPINNED, newest=short)
    same = read_image(service.image).digest == newest
    return row if same else replace(row, standing=Standing.NEWER, newest=short)


def _tag(image: str) -> str:
    """The name to look up, "" if the image is named by its digest alone, or is not known."""
    if flaw_of(image):
        return ""
    name = read_image(image)
    if not name.tag and name.digest:
        return ""
    return name.unpinned if name.tag else f"{name.untagged}:latest"
