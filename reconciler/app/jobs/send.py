"""One prompt to a live agent, without a job: the verdict of the delivery is all that becomes of it."""

from __future__ import annotations

import os

from msgspec import Struct

from reconciler.agents.catalogue import catalogue
from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.app.usage.budgets import refuse_over_budget
from reconciler.jobs.agent_state import Recipient
from reconciler.jobs.deliver import DeliveryTimeouts, deliver
from reconciler.jobs.old_files import prune_prompts
from reconciler.jobs.recipient import KnownAgents, addressee, recipient
from reconciler.kinds.agent.case import with_unmanaged
from reconciler.model.address import Address
from reconciler.model.delivery import Delivery
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import Refused
from reconciler.observe.visibility import unseen_of
from reconciler.ports.world import World

_PROMPTS = ".prompts"  # beside the job records: prompts that are too long to be pasted


class LiveRecipient(Struct, frozen=True):
    """A live agent of the project, the doors to it, and which checks this system does not allow."""

    address: Address
    to: Recipient
    world: World
    warnings: tuple[Diagnostic, ...] = ()


class SendResult(Struct, frozen=True):
    """What became of a prompt, and of whom."""

    address: Address
    session: str
    delivery: Delivery


def live_recipient(at: Project, name: str, *, within_budget: bool = False) -> LiveRecipient:
    """The live agent of that name; with `within_budget`, only one that may get more to do.

    Raises:
        Refused: `within_budget`, and a budget with `on_exceed: hold` is used up.
        UsageError: No agent, or more than one, is called so.
        Unreachable: tmux could not be asked.
        ReconcilerError: It has no live session.
    """
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    if within_budget:
        refuse_over_budget(at, seen.desired, address)
    return recipient_in(at, seen, address)


def recipient_in(at: Project, seen: ProjectView, address: Address) -> LiveRecipient:
    """The same for an agent in a view. Raises Unreachable or ReconcilerError as above."""
    whom = addressee(str(address), "", _everyone(seen))
    to = recipient(whom, seen.snapshot, at.files, at.caller, prompts_folder(at))
    return LiveRecipient(address, to, at.world(seen.desired.socket), tuple(unseen_of(whom.profile, at.processes)))


def send(at: Project, to: LiveRecipient, text: str, wait_idle: float = 0.0) -> SendResult:
    """Type the prompt into the agent, submit it, and say what proves that it was taken.

    It is typed only into an idle agent; a busy one is waited for, `wait_idle` seconds at most.

    Raises:
        UsageError: Nothing is left of the prompt.
        Refused: This is a copy of a project, or other users may write where prompts are put.
        ReconcilerError: tmux could not be asked, or the prompt not be put into a file; nothing was typed.
    """
    refuse_copy(at)
    _expect_ours(at)
    at.clear_up()
    prune_prompts(prompts_folder(at), to.world)
    delivery = deliver(text, to.to, to.world, DeliveryTimeouts(idle=wait_idle))
    return SendResult(to.address, to.to.pane.session, delivery)


def prompts_folder(at: Project) -> str:
    """Where a prompt is put that is too long to be pasted; the agent reads it there."""
    return os.path.join(at.root, JOB_RECORDS, _PROMPTS)


def _everyone(seen: ProjectView) -> KnownAgents:
    """The agents of the project, and those that were only found."""
    types = catalogue(seen.desired.agent_types.values())
    cases = with_unmanaged(seen.cases, seen.stored.record, seen.snapshot, types)
    return KnownAgents(cases, seen.snapshot.tmux, types)


def _expect_ours(at: Project) -> None:
    """The agent reads what is in the folder, and does what it says."""
    folder = prompts_folder(at)
    if why := at.files.distrust(os.path.dirname(folder)) or at.files.distrust_all(folder):
        raise Refused(
            f"prompts are not put into {folder}: {why}",
            detail="another user who can write there could tell your agents what to do",
            fix=f"make it yours alone: chmod -R go-w {folder}",
        )
