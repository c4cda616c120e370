from __future__ import annotations

from datetime import timedelta

import pytest
from fakes.clock import FakeClock

from reconciler.ports.clock import RealClock


@pytest.mark.parametrize("clock", [RealClock(), FakeClock()])
def test_time_is_utc_and_passes_while_one_waits(clock):
    before, moment = clock.monotonic(), clock.now()

    clock.wait(0.01)

    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now() > moment
    assert clock.monotonic() - before >= 0.01
