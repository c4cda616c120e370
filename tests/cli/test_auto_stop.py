"""An agent whose job has ended is stopped once that can be seen, and not forgotten before."""

from __future__ import annotations

from types import SimpleNamespace

from fakes.clock import FakeClock
from monitor.passes import agent, seen
from msgspec.structs import replace

from reconciler.app.monitor.subscription import Subscription
from reconciler.model.activity import Activity

SESSION = "lab-creator-claude"


def test_an_agent_is_stopped_when_it_rests_although_a_pass_in_between_saw_nothing(monkeypatch):
    stopped = []
    monkeypatch.setattr(Subscription, "_stop", lambda _self, session, _job: stopped.append(session))
    subscription = Subscription(SimpleNamespace(clock=FakeClock()), None, None, None, None, None)
    subscription._ending[SESSION] = object()
    for pass_ in (seen(agents=[agent(activity=Activity.BUSY)]), replace(seen(), blind=True)):
        subscription.after(pass_)
        assert stopped == []
    subscription.after(seen(agents=[agent()]))
    assert stopped == [SESSION]
