"""What is remembered stays bounded."""

from watching import drift

from reconciler.monitor.news import news, update_reported


def test_drifts_that_are_over_are_forgotten_in_the_end():
    told = {}
    for number in range(1200):
        told = update_reported([drift("A", f"agent{number}")], told, sure=True)
    assert len(told) <= 501
    assert news([drift("A", "agent1199")], told) == ()
    assert news([drift("A", "agent1198")], told)[0].count == 2


def test_drifts_that_last_are_never_forgotten():
    lasting = [drift("D", f"agent{number}") for number in range(1200)]
    assert news(lasting, update_reported(lasting, {}, sure=True)) == ()
