"""Whether a registry is where it was written, was moved, or is a copy from this or another machine."""

from __future__ import annotations

import pytest

from reconciler.model.observed import ABSENT, Observed, Present
from reconciler.model.record import Origin
from reconciler.state.placement import PlacementState, judge_placement

HERE, MOVED, COPY = PlacementState.HERE, PlacementState.MOVED, PlacementState.COPY
WRITTEN = {"machine": "m1", "host": "h1", "folder": "/lab/.hermes", "device": 1, "inode": 7}
GONE: Observed[bool] = ABSENT
STILL_THERE: Observed[bool] = Present(True)


@pytest.mark.parametrize(
    ("now", "there", "state", "elsewhere"),
    [
        ({}, STILL_THERE, HERE, False),
        ({"machine": "m2"}, GONE, COPY, True),
        ({"machine": "m2", "host": "h2"}, STILL_THERE, COPY, True),
        # a machine without an id, or that has lost it, is known by its folders only
        ({"machine": ""}, STILL_THERE, HERE, False),
        ({"machine": "", "host": "h2", "inode": 8}, STILL_THERE, HERE, False),
        # containers and cloned machines may share an id
        ({"host": "h2", "inode": 8}, STILL_THERE, COPY, True),
        ({"host": "h2", "inode": 8, "folder": "/other/.hermes"}, GONE, COPY, True),
        # a renamed machine, a container that gets a new name each time, a restored backup
        ({"host": "h2"}, STILL_THERE, HERE, False),
        ({"host": "h2", "device": 9}, STILL_THERE, HERE, False),
        ({"inode": 8}, STILL_THERE, HERE, False),
        ({"host": "h2", "inode": 0}, STILL_THERE, HERE, False),
        # another folder of this machine
        ({"folder": "/copy/.hermes", "inode": 8}, STILL_THERE, COPY, False),
        ({"folder": "/new/.hermes"}, STILL_THERE, MOVED, False),
        ({"folder": "/new/.hermes", "inode": 8}, GONE, MOVED, False),
    ],
)
def test_a_place_is_judged_by_machine_name_and_folder(now, there, state, elsewhere):
    found = judge_placement(Origin(**WRITTEN), Origin(**{**WRITTEN, **now}), lambda _folder: there)
    assert (found.state, found.from_another_machine) == (state, elsewhere)


def test_a_registry_that_records_no_place_is_believed():
    assert judge_placement(None, Origin(**WRITTEN), lambda _folder: STILL_THERE).state is HERE


@pytest.mark.parametrize(
    ("now", "summary", "command"),
    [
        ({"machine": "m2"}, "this registry was copied from another machine", "reconciler adopt-registry --here"),
        ({"folder": "/copy", "inode": 8}, "this project folder is a copy", "reconciler registry take-over"),
    ],
)
def test_a_refusal_names_the_way_out(now, summary, command):
    refused = judge_placement(Origin(**WRITTEN), Origin(**{**WRITTEN, **now}), lambda _folder: STILL_THERE).refusal
    assert (refused.summary, refused.exit_code) == (summary, 7)
    assert command in refused.fix
