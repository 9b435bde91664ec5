"""The pace of a training: time budgets."""

import dataclasses

import pytest

from napari_nucseg.network import pace as module
from napari_nucseg.network.pace import CountedPace, TimedPace, pace_of
from napari_nucseg.training.parameters import TrainParameters

TWO_MINUTES = TrainParameters(minutes=2, epochs=4, learning_rate=1e-3)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when it is told to."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def run(pace, clock, step=1.0, score=2.0, first=1):
    """Train in pretended time, and return the steps of every epoch, the rates, what is left."""
    steps, rates, left = [], [], []
    for epoch in range(first, pace.epochs + 1):
        pace.begin(epoch)
        number = 0
        while True:
            rates.append(pace.rate(number))
            clock.now += step
            if pace.is_over(number):
                break
            number += 1
        steps.append(number + 1)
        clock.now += score
        left.append(pace.seconds_left(epoch, step, score))
    return steps, rates, left


@pytest.mark.parametrize("step", [0.05, 1.0, 3.0])
def test_budget_is_kept_however_fast_the_computer_is(clock, step):
    pace = TimedPace(TWO_MINUTES)
    clock.now += 10  # what is prepared
    pace.plan(score_seconds=2.0, reserve=15.0)
    steps, rates, left = run(pace, clock, step)
    clock.now += 15
    assert 105 < clock.now - 1000 < 123
    assert sum(steps) == pytest.approx((120 * 0.97 - 10 - 15 - 8) / step, rel=0.15)
    assert max(rates) <= 1e-3
    assert rates[-1] < 2e-4
    ends = [sum(steps[: number + 1]) for number in range(4)]
    assert left[-1] == pytest.approx(15, abs=5)
    assert ends == sorted(ends)


def test_time_left_is_right_also_when_the_computer_slows_down(clock):
    pace = TimedPace(TWO_MINUTES)
    pace.plan(score_seconds=1.0, reserve=10.0)
    pace.begin(1)
    clock.now += 30
    told = pace.seconds_left(1, 1.0, 1.0)
    before = clock.now
    run(pace, clock, step=4.0, score=1.0, first=2)
    clock.now += 10
    assert told == pytest.approx(clock.now - before, rel=1 / 3)


def test_scoring_that_takes_long_is_done_less_often(clock):
    pace = TimedPace(dataclasses.replace(TWO_MINUTES, epochs=12))
    pace.plan(score_seconds=15.0, reserve=20.0)
    assert pace.epochs == 1
    pace = TimedPace(dataclasses.replace(TWO_MINUTES, epochs=12))
    pace.plan(score_seconds=1.0, reserve=5.0)
    assert pace.epochs == 12


def test_what_was_spent_before_is_not_spent_again(clock):
    pace = TimedPace(TWO_MINUTES, spent=90.0)
    pace.plan(score_seconds=1.0, reserve=5.0)
    run(pace, clock, step=0.5, score=1.0, first=pace.epochs)
    assert 15 < clock.now - 1000 < 30
    late = TimedPace(TWO_MINUTES, spent=200.0)
    late.plan(score_seconds=1.0, reserve=5.0)
    assert run(late, clock)[0] == [1]


def test_without_a_budget_the_steps_are_counted():
    counted = TrainParameters(epochs=3, steps_per_epoch=4)
    assert isinstance(pace_of(counted), CountedPace)
    assert isinstance(pace_of(TWO_MINUTES), TimedPace)
    pace = pace_of(counted)
    pace.begin(2)
    assert [pace.is_over(step) for step in range(4)] == [False, False, False, True]
    assert pace.progress(1) == (1, 4)
    assert pace.steps_until(2) == 8
    assert pace.seconds_left(2, 0.5, 3.0) == 5.0
