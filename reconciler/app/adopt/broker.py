"""Find a Mosquitto that was set up by hand, and make the manifest block for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.adopt.blocks import portable
from reconciler.app.project.manifests import OWN_BROKER
from reconciler.app.project.project import Project
from reconciler.broker.by_hand.folder import candidates, hand_made
from reconciler.model.adoption import LeftAlone
from reconciler.model.desired import Desired
from reconciler.model.record import Json

if TYPE_CHECKING:
    from reconciler.broker.by_hand.takeover import Takeover


class FoundBroker(Struct, frozen=True):
    """The manifest block of a broker, empty if there is none; `notes` are short texts for the user."""

    block: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


def found_broker(at: Project, desired: Desired) -> FoundBroker:
    """The one broker that was set up by hand in the project; an empty value if a broker is already declared."""
    if desired.brokers or os.path.lexists(os.path.join(at.root, OWN_BROKER)):
        return FoundBroker()
    folders = candidates(at.root)
    if len(folders) > 1:
        why = "this project has several brokers that were set up by hand, and reconciler supports one per project"
        fix = "declare the broker you use under `broker:` in a manifest, with its `dir`"
        return FoundBroker(left_alone=tuple(LeftAlone(f"the broker in {folder}", why, fix) for folder in folders))
    found = hand_made(folders[0]) if folders else None
    if found is None:
        return FoundBroker()
    from reconciler.broker.by_hand.takeover import takeover  # it loads cryptography

    taken = takeover(found, at.now())
    if taken.problems:
        return FoundBroker(left_alone=tuple(_problems(taken)))
    block = {**taken.block, "dir": portable(taken.directory, at.root)}
    return FoundBroker(block, tuple(_notes(taken)), taken.left_alone)


def _problems(taken: Takeover) -> Iterator[LeftAlone]:
    for each in taken.problems:
        why = "; ".join(filter(None, (each.summary, each.detail)))
        yield LeftAlone(f"the broker in {taken.directory}", why, each.fix, each.place)


def _notes(taken: Takeover) -> Iterator[str]:
    if taken.kept:
        yield f"kept: {'; '.join(taken.kept)}"
    if taken.hardened:
        count = len(taken.hardened)
        yield f"{count} setting{'s become' if count > 1 else ' becomes'} stricter with the next apply"
