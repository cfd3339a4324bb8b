"""``update``: set the images of any number of services, as one job with one message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.commands.values import ImageTarget, as_text
from bot.domain.commands.values import Update as Command
from bot.domain.convergence.machine import Goal
from bot.domain.convergence.wording import way_out
from bot.domain.errors import RefusedError, RegistryError, SupersededError
from bot.domain.jobs.model import STACK, Job, JobState, PendingCommand, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.image_change import (
    ChosenImage,
    by_next_deploy,
    check_listed_once,
    check_platforms,
    is_taken_back,
    pinned,
    short_digest,
    stays,
    wanted_image,
)
from bot.domain.operations.image_list import Standing
from bot.domain.operations.preflight import PAUSED, check_update
from bot.domain.swarm.health import examine_look
from bot.domain.swarm.image_name import ImageName, read_image
from bot.domain.swarm.model import Look, Service
from bot.jobs import service_lookup
from bot.jobs.confirmation import Confirming
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time
from bot.jobs.registries import compared_images
from bot.jobs.staleness import check_service
from bot.jobs.submit import queue
from bot.ports import Manifest, Still
from bot.views.words import UPDATES

ACTION = "update"


class UpdateHandler:
    """Starts update jobs, and defines what they do to each service."""

    def __init__(self, ctx: Context, confirming: Confirming) -> None:
        self._ctx = ctx
        self._confirming = confirming

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Ask the registries, check the services and queue the job. Raises BotError to refuse.

        An update of all services asks for a confirmation, unless the command says ``--yes``.
        """
        if not command.targets:
            stack = command.stack or self._ctx.stack_in(pending.channel)
            await self._begin_all(pending, stack, asks=not command.yes)
            return
        services = [await self._service(each, pending.channel) for each in command.targets]
        await self._begin(pending, command, services)

    async def press(self, pending: PendingCommand, full_name: str) -> None:
        """Handle the button *Update* of a notice, for a service of any stack by its full name."""
        service = await check_service(self._ctx, pending, full_name)
        if service.stack:
            await self._refuse_deploying(service.stack)
        await self._begin(pending, Command((ImageTarget(full_name),)), [service])

    async def _begin(
        self, pending: PendingCommand, command: Command, services: Sequence[Service]
    ) -> None:
        check_listed_once(services)
        found = await asyncio.gather(
            *(
                self._chosen(service, each.image, yes=command.yes)
                for service, each in zip(services, command.targets, strict=True)
            )
        )
        if command.yes:
            found = [each.with_login() for each in found]
        if all(each.is_present and not each.target.restarts for each in found):
            raise await self._nothing_newer(command, found)
        await queue(self._ctx, pending, await self._job(pending, found))

    async def _begin_all(self, pending: PendingCommand, stack: str, *, asks: bool) -> None:
        look = await in_time(self._ctx.swarm.stack_look(stack))
        await self._refuse_deploying(stack)
        rows, found = await compared_images(self._ctx, stack, look)
        kept = [stays(row.service, row.why) for row in rows if row.standing is Standing.UNKNOWN]
        chosen = []
        for row in rows:
            if not row.standing.is_replaced:
                continue
            try:
                chosen.append(await self._planned(row.service, row.name, found[row.name]))
            except RefusedError as error:
                kept.append(stays(row.service, error.sentence))
        if not chosen:
            raise RefusedError(
                f"No service of `{stack}` can get a newer image of its tag.", hint="\n".join(kept)
            )
        job = await self._job(pending, chosen)
        job = replace(job, foretold=(*kept, *job.foretold))
        if asks:
            await self._confirming.ask(pending, job)
        else:
            await queue(self._ctx, pending, job)

    async def _planned(self, service: Service, name: str, manifest: Manifest) -> ChosenImage:
        """A service of a plan, which is only carried out if it is the same then."""
        if service.mode.is_job:
            raise RefusedError("It runs to completion, and another image would run it again.")
        chosen = await self._checked(service, read_image(name), manifest)
        return replace(chosen, target=replace(chosen.target, template=service.template))

    async def _service(self, typed: ImageTarget, channel: str) -> Service:
        service = await service_lookup.to_change(self._ctx, typed.service, channel, "update --all")
        if service.stack:
            await self._refuse_deploying(service.stack)
        return service

    async def _refuse_deploying(self, stack: str) -> None:
        running = await self._ctx.jobs.active(lane=f"{STACK}{stack}")
        deploy = next((job for job in running if job.state is JobState.RUNNING), None)
        if deploy is not None:
            raise RefusedError(
                f"Stack `{stack}` is being deployed (job `{deploy.id}`), which sets the images of"
                " its services.",
                hint="Try again after its verdict.",
            )

    async def _chosen(self, service: Service, typed: str, *, yes: bool) -> ChosenImage:
        name = wanted_image(service, typed)
        return await self._checked(service, name, await self._looked_up(service, name, yes=yes))

    async def _checked(self, service: Service, name: ImageName, manifest: Manifest) -> ChosenImage:
        """The service with a digest that its nodes can run. Raises RefusedError."""
        image = pinned(name, manifest.digest)
        if manifest.platforms:
            nodes = await in_time(self._ctx.swarm.nodes())
            check_platforms(service, str(name), manifest.platforms, nodes)
        look = await service_lookup.look_if_paused(self._ctx, service)
        check_update(service, look, image, self._ctx.command)
        target = Target(
            service.name,
            service.id,
            service.replicas or 0,
            image=image,
            image_before=service.image,
            platforms=manifest.platforms,
        )
        return ChosenImage(service, name, target, bool(manifest.digest), manifest.login)

    async def _looked_up(self, service: Service, name: ImageName, *, yes: bool) -> Manifest:
        try:
            return await self._ctx.registry.look_up(str(name))
        except RegistryError as error:
            present = read_image(service.image)
            pinned_already = present.digest and present.unpinned == str(name)
            if yes and not pinned_already:
                return Manifest("")
            raise RefusedError(error.sentence, hint=self._way_on(service, name, error)) from error

    def _way_on(self, service: Service, name: ImageName, error: RegistryError) -> str:
        """What to do about a registry that does not confirm an image.

        Nodes that know an image by its digest alone do not find it by its tag.
        """
        present = read_image(service.image)
        if present.digest and present.unpinned == str(name):
            kept = (
                f"`{service.short_name}` keeps its image, digest `{short_digest(service.image)}`."
            )
            return "\n".join(filter(None, [error.hint, kept]))
        if error.kind == "image_missing":
            return error.hint
        typed = f"{self._ctx.command} update {service.advised_name} {name} --yes"
        anyway = f"If every node has the image already: `{typed}`"
        return "\n".join(filter(None, [error.hint, anyway]))

    async def _job(self, pending: PendingCommand, found: Sequence[ChosenImage]) -> Job:
        stacks = {each.service.stack for each in found}
        return Job(
            id=pending.id,
            action=ACTION,
            stack=stacks.pop() if len(stacks) == 1 else "",
            text=pending.text,
            user=pending.user,
            channel=pending.channel,
            thread=pending.thread,
            created=pending.received,
            targets=tuple(each.target for each in found),
            foretold=tuple([line for each in found if (line := await self._by_file(each))]),
        )

    async def _by_file(self, chosen: ChosenImage) -> str:
        """What the next deploy of the service's stack does to the image, "" if it keeps it."""
        stack, service = chosen.service.stack, chosen.service.short_name
        file = await self._ctx.stacks.file_image(stack, service) if stack else None
        if file is None or file.image == chosen.name.unpinned:
            return ""
        return by_next_deploy(stack, file.file, file.line, file.text)

    async def _nothing_newer(self, command: Command, found: Sequence[ChosenImage]) -> RefusedError:
        """The answer if every service has its image already."""
        looks = [await in_time(self._ctx.swarm.look(each.service.id)) for each in found]
        said = "\n".join(f"{_already(*pair)}." for pair in zip(found, looks, strict=True))
        paused = next((each.service for each in found if each.service.update in PAUSED), None)
        if paused is not None:
            return RefusedError(said, hint=way_out(paused, self._ctx.command))
        newest = all(each.found and each.name.tag for each in found)
        hints = ["There is nothing newer under its tag."] if newest else []
        if any(each.login for each in found):
            renewal = f"`{self._ctx.command} {as_text(replace(command, yes=True))}`"
            hints.append(f"To give it the registry's present login, with new tasks: {renewal}")
        return RefusedError(said, hint="\n".join(hints))

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """As in ``ServiceOperation``: refuses to resume a paused update."""
        service = look.service
        if service is None:
            return None
        if target.begun and is_taken_back(target, service):
            why = f": {service.update_message}" if service.update_message else ""
            return Outcome(Verdict.ROLLED_BACK, f"It was updated, and rolled back since{why}.")
        if target.begun and service.image not in {target.image_before, target.image}:
            now = read_image(service.image).unpinned
            return Outcome(Verdict.SUPERSEDED, f"Someone else set its image to `{now}`.")
        if target.begun:
            return None
        if target.template and service.template != target.template:
            reason = "Someone else changed it since the plan was made. Nothing was changed."
            return Outcome(Verdict.SUPERSEDED, reason, "Ask for a new plan.")
        check_update(service, look, target.image, self._ctx.command)
        return None

    def noted(self, target: Target, look: Look) -> Target:
        """As in ``ServiceOperation``: the image before the change.

        With the counter of forced updates it is sure that a login is renewed once.
        """
        if look.service is None:
            return target
        wanted, service = service_lookup.wanted(look), look.service
        restarts = service.restarts + 1 if target.restarts else 0
        return replace(target, replicas=wanted, image_before=service.image, restarts=restarts)

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``."""
        look = await self._ctx.swarm.look(target.service_id)

        def check(service: Service) -> None:
            if doubtful and is_taken_back(target, service):
                raise SupersededError("It was updated, and rolled back since.")
            check_update(service, look, target.image, self._ctx.command)

        updated = await self._ctx.swarm.set_image(
            target.service_id,
            target.image,
            target.platforms,
            check,
            still=still,
            restarts=target.restarts,
        )
        ours = doubtful and (target.image_before != target.image or target.restarts > 0)
        return replace(target, changed=updated.changed or ours, template=updated.template)

    def goal(self, target: Target, goal: Goal) -> Goal:
        """As in ``ServiceOperation``: the present number of tasks, all with the new image."""
        return replace(goal, template=target.template)

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """As in ``ServiceOperation``: a good verdict names the digest that runs."""
        reason = outcome.reason
        if not target.changed:
            reason = f"It already had that image. {reason}"
        digest = short_digest(target.image)
        if outcome.verdict.good and target.changed and target.restarts:
            reason = f"{reason} It has the registry's present login."
        elif outcome.verdict.good and outcome.running and digest:
            reason = f"{reason} It runs digest `{digest}`."
        return replace(outcome, reason=reason)

    def left(self, target: Target, running: int | None) -> str:
        """As in ``ServiceOperation``."""
        seen = "" if running is None else f"; {running}/{target.replicas} updated"
        return f"the swarm continues the update{seen}."


def _already(chosen: ChosenImage, look: Look) -> str:
    """That a service has its image already, and how it runs."""
    digest = short_digest(chosen.target.image)
    said = f"`{chosen.service.short_name}` already has `{chosen.name.unpinned}`"
    said += f", digest `{digest}`" if digest and chosen.name.tag else ""
    if look.service is None:
        return said
    health = examine_look(look, look.service)
    state = UPDATES.get(look.service.update, "")
    return f"{said}; {health.running}/{health.wanted} running" + (f", {state}" if state else "")
