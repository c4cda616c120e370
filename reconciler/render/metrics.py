"""The result of a monitor pass in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.drift_class import DriftClass
from reconciler.model.moment import parse_zoned
from reconciler.model.watch import Pass

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_text(seen: Pass) -> str:
    """The whole file: agents by workspace and state, drifts by class, and figures about the monitor itself."""
    agents = Counter(
        (agent.address.workspace, agent.status.value, agent.live, agent.activity.value) for agent in seen.agents
    )
    by_state = [
        ({"workspace": workspace, "status": status, "live": live, "state": state}, count)
        for (workspace, status, live, state), count in sorted(agents.items())
    ]
    found = Counter(drift.kind for drift in seen.drifts)
    by_class = [({"class": kind.value}, found[kind]) for kind in DriftClass]
    looked = parse_zoned(seen.at).timestamp()
    families = (
        _family("agents", "gauge", "Recorded agents, by workspace and state.", by_state),
        _family("drifts", "gauge", "Differences between the registry and the live world, by class.", by_class),
        _family("pass_duration_seconds", "gauge", "How long the last pass took.", [({}, seen.seconds)]),
        _family("passes_total", "counter", "Passes since the monitor began.", [({}, seen.number)]),
        _family("last_pass_timestamp_seconds", "gauge", "When the last pass began, in Unix time.", [({}, looked)]),
    )
    return "".join(f"{line}\n" for family in families for line in family)


def _family(name: str, kind: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    full = f"reconciler_{name}"
    yield f"# HELP {full} {about}"
    yield f"# TYPE {full} {kind}"
    for labels, value in samples:
        pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
        yield f"{full}{{{pairs}}} {value}" if pairs else f"{full} {value}"
