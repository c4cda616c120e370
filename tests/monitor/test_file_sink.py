"""The file for Prometheus."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from passes import agent, gone, seen

from reconciler.model.activity import Activity
from reconciler.model.address import agent_address
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.file import MetricsFile
from reconciler.ports.files import RealFiles
from reconciler.render.metrics import metrics_text


def test_agents_are_counted_by_state_and_drifts_by_class():
    text = metrics_text(seen(gone(), agents=[agent("a"), agent("b"), agent("c", Activity.BUSY)], number=7))
    labels = 'workspace="lab",status="running",live="alive"'
    assert f'reconciler_agents{{{labels},state="idle"}} 2\n' in text
    assert f'reconciler_agents{{{labels},state="busy"}} 1\n' in text
    assert 'reconciler_drifts{class="A"} 1\n' in text
    assert 'reconciler_drifts{class="B"} 0\n' in text
    assert "reconciler_pass_duration_seconds 0.25\n" in text
    assert "reconciler_passes_total 7\n" in text
    assert "reconciler_last_pass_timestamp_seconds 1782357564.0\n" in text


def test_every_family_has_help_and_a_type_before_its_samples():
    known = set()
    for line in metrics_text(seen(gone(), agents=[agent()])).splitlines():
        if line.startswith("# TYPE "):
            known.add(line.split()[2])
        elif not line.startswith("#"):
            assert line.split("{")[0].split()[0] in known
    assert len(known) == 5


def test_a_label_cannot_end_its_quotes():
    odd = replace(agent(), address=agent_address('a"b\\c\nd', "x"))
    assert r'workspace="a\"b\\c\nd"' in metrics_text(seen(agents=[odd]))


def test_the_file_is_replaced_at_once_and_others_may_read_it(tmp_path):
    path = tmp_path / "reconciler.prom"
    sink = MetricsFile(str(path), RealFiles())
    sink.tell(seen(number=1))
    before = path.stat().st_ino
    sink.tell(seen(number=2))
    assert "reconciler_passes_total 2\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.stat().st_ino != before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_name_that_is_not_utf_8_is_shown(tmp_path):
    odd = replace(agent(), address=agent_address("l\udce4b", "x"))
    MetricsFile(str(tmp_path / "metrics"), RealFiles()).tell(seen(agents=[odd]))
    assert r'workspace="l\udce4b"' in (tmp_path / "metrics").read_text()


def test_a_pass_that_saw_nothing_leaves_the_file_as_it_is(tmp_path):
    path = tmp_path / "reconciler.prom"
    sink = MetricsFile(str(path), RealFiles())
    sink.tell(seen(agents=[agent()]))
    before = path.read_bytes()
    sink.tell(replace(seen(), blind=True))
    assert path.read_bytes() == before


def test_a_folder_that_is_gone_is_a_failure(tmp_path):
    with pytest.raises(SinkFailed, match="cannot write"):
        MetricsFile(str(tmp_path / "gone" / "x.prom"), RealFiles()).tell(seen())
