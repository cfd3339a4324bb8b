"""Jobs in Redis: at least once, first in first out in each lane, fenced by leases.

queue.py             queued -> running -> finished: turns of workers, leases, cancelling
records.py           reads jobs
deliveries.py        verdicts to be posted
pending_commands.py  commands that are not jobs yet
audit.py             the audit log
scripts/             the transitions themselves
keys.py              all keys and their lifetimes
"""

from __future__ import annotations

from bot.store.audit import AuditLog
from bot.store.deliveries import Deliveries
from bot.store.pending_commands import PendingCommands
from bot.store.queue import Queue


class RedisJobs(PendingCommands, Queue, Deliveries, AuditLog):
    """Implements ``bot.ports.Jobs``. Many replicas may use one Redis."""
