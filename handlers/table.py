"""The table of handlers for commands, buttons and jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.commands import values as commands
from bot.domain.incidents.alert import Button
from bot.domain.jobs.model import REMOVAL, PendingCommand
from bot.domain.operations.one_off import ACTION as RUN
from bot.domain.text.message import Message
from bot.jobs.confirmation import Confirming
from bot.jobs.context import Context
from bot.jobs.dashboard import Dashboards
from bot.jobs.deploy import DeployRunner
from bot.jobs.one_off import OneOffLeftovers, OneOffRunner
from bot.jobs.service_change import ChangeRunner
from bot.jobs.stack_removal import StackRemovalRunner
from bot.loops.job_lease import Runner
from bot.ports import Asker, Request
from bot.views.home import REFRESH_BUTTON
from bot.views.jobs.plan import CONFIRM_BUTTON
from bot.views.join import ROTATE_BUTTON
from handlers.cancel import CancelHandler
from handlers.deploy import ACTION as DEPLOY
from handlers.deploy import DeployHandler
from handlers.drain import ActivateHandler, DrainHandler
from handlers.history import ListVersionsHandler
from handlers.images import ListImagesHandler
from handlers.incident_buttons import IncidentButtons
from handlers.incidents import ListIncidentsHandler
from handlers.jobs import ListJobsHandler
from handlers.join import JoinHandler
from handlers.logs import ReadLogsHandler
from handlers.map import ShowMapHandler
from handlers.nodes import ListNodesHandler
from handlers.ps import ListTasksHandler
from handlers.remove import RemoveHandler
from handlers.restart import ACTION as RESTART
from handlers.restart import RestartHandler
from handlers.resume import ACTION as RESUME
from handlers.resume import ResumeHandler
from handlers.rollback import ACTION as ROLLBACK
from handlers.rollback import RollBackHandler, StackBack, WayBack
from handlers.run import RunHandler
from handlers.scale import ACTION as SCALE
from handlers.scale import ScaleBack, ScaleHandler
from handlers.stacks import ListStacksHandler
from handlers.status import StatusHandler
from handlers.update import ACTION as UPDATE
from handlers.update import UpdateHandler
from handlers.volumes import ListVolumesHandler

Answer = Callable[[Any, Asker], Awaitable[Message | None]]
"""Answers a command or button (of the given type), visible only to who asked.

None if another message shows the result.
"""

Show = Callable[[Any, Request], Awaitable[Message | None]]
"""Answers a command in its channel, visible to everyone there; or returns the person's answer."""

Begin = Callable[[PendingCommand, Any], Awaitable[None]]
"""Checks a command and queues its job."""

CANCEL_BUTTON = "job.cancel"
WAY_BACK_BUTTON = "job.rollback"
RESTART_BUTTON = "job.restart"
UPDATE_BUTTON = "image.update"
LOGS_BUTTON = "incident.logs"


@dataclass(frozen=True, slots=True)
class Handlers:
    """``answers``, ``shows`` and ``begins`` by the command's type, ``runners`` by the job's action.

    ``presses`` are buttons that are answered immediately, by action id: they convert the button's
    value to a command. ``looks`` are those that viewers may press. ``job_presses`` are buttons that
    start a job; the pending command has their value. ``chores`` are run periodically by every
    replica.
    """

    answers: Mapping[type, Answer]
    shows: Mapping[type, Show]
    begins: Mapping[type, Begin]
    runners: Mapping[str, Runner]
    presses: Mapping[str, Callable[[str], commands.Pressed]]
    looks: frozenset[str]
    job_presses: Mapping[str, Callable[[PendingCommand, str], Awaitable[None]]]
    chores: tuple[Callable[[], Awaitable[None]], ...]


def handlers(ctx: Context) -> Handlers:
    """All handlers, with the same ports."""
    scale, restart, roll_back = ScaleHandler(ctx), RestartHandler(ctx), RollBackHandler(ctx)
    resume = ResumeHandler(ctx)
    drain, activate, join = DrainHandler(ctx), ActivateHandler(ctx), JoinHandler(ctx)
    buttons, confirming = IncidentButtons(ctx), Confirming(ctx)
    deploy, update = DeployHandler(ctx, confirming), UpdateHandler(ctx, confirming)
    way_back = WayBack(ctx, ScaleBack(ctx, scale), roll_back, StackBack(ctx, deploy))
    return Handlers(
        answers={
            commands.Status: StatusHandler(ctx).answer,
            commands.ListTasks: ListTasksHandler(ctx).answer,
            commands.ReadLogs: ReadLogsHandler(ctx).answer,
            commands.ListNodes: ListNodesHandler(ctx).answer,
            commands.ListVolumes: ListVolumesHandler(ctx).answer,
            commands.ListJobs: ListJobsHandler(ctx).answer,
            commands.ListIncidents: ListIncidentsHandler(ctx).answer,
            commands.ListVersions: ListVersionsHandler(ctx).answer,
            commands.ListImages: ListImagesHandler(ctx).answer,
            commands.ListStacks: ListStacksHandler(ctx).answer,
            commands.Join: join.answer,
            commands.RotateToken: join.rotate,
            commands.Cancel: CancelHandler(ctx, confirming).answer,
            commands.IncidentLogs: buttons.logs,
            commands.AcknowledgeIncident: buttons.acknowledge,
            commands.SilenceIncident: buttons.silence,
            commands.RefreshHome: Dashboards(ctx).refresh,
        },
        shows={commands.ShowMap: ShowMapHandler(ctx).show},
        begins={
            commands.Scale: scale.begin,
            commands.Update: update.begin,
            commands.Restart: restart.begin,
            commands.Resume: resume.begin,
            commands.Run: RunHandler(ctx).begin,
            commands.RollBack: way_back.typed,
            commands.Deploy: deploy.begin,
            commands.Remove: RemoveHandler(ctx, confirming).begin,
            commands.Drain: drain.begin,
            commands.Activate: activate.begin,
        },
        runners={
            SCALE: ChangeRunner(ctx, scale),
            UPDATE: ChangeRunner(ctx, update),
            RESTART: ChangeRunner(ctx, restart),
            RESUME: ChangeRunner(ctx, resume),
            ROLLBACK: ChangeRunner(ctx, roll_back),
            RUN: OneOffRunner(ctx),
            DEPLOY: DeployRunner(ctx),
            REMOVAL: StackRemovalRunner(ctx),
            drain.action: drain.job,
            activate.action: activate.job,
        },
        presses={
            CANCEL_BUTTON: commands.Cancel,
            LOGS_BUTTON: commands.IncidentLogs,
            ROTATE_BUTTON: commands.RotateToken,
            Button.ACKNOWLEDGE.value: commands.AcknowledgeIncident,
            Button.SILENCE.value: commands.SilenceIncident,
            REFRESH_BUTTON: commands.RefreshHome,
        },
        looks=frozenset({LOGS_BUTTON, REFRESH_BUTTON}),
        job_presses={
            WAY_BACK_BUTTON: way_back.begin,
            RESTART_BUTTON: restart.press,
            UPDATE_BUTTON: update.press,
            CONFIRM_BUTTON: confirming.confirm,
        },
        chores=(confirming.settle_due, OneOffLeftovers(ctx).remove),
    )
