"""Jobs in Redis: at least once, first in first out in each lane, fenced by leases.

queue.py             queued -> running -> finished: turns of workers, leases, cancelling
records.py           reading jobs
deliveries.py        verdicts on their way to their messages
pending_commands.py  commands on their way to being jobs
audit.py             who did what
scripts/             the transitions themselves
keys.py              what is where, and for how long
"""

from __future__ import annotations

from bot.store.audit import AuditLog
from bot.store.deliveries import Deliveries
from bot.store.pending_commands import PendingCommands
from bot.store.queue import Queue


class RedisJobs(PendingCommands, Queue, Deliveries, AuditLog):
    """Implements ``bot.ports.Jobs``. Any number of replicas may have one on the same Redis."""
