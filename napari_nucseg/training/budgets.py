"""Time budgets: how long a fine-tuning may take."""

from __future__ import annotations

from .parameters import TrainParameters

__all__ = ["BEST", "BUDGETS", "DEFAULT_BUDGET", "fine_tune_parameters"]

#: Train until the score on the held-out part gets no better.
BEST = "best"

#: The budgets that are offered, in minutes.
BUDGETS: tuple[float | str, ...] = (1.0, 2.0, 10.0, BEST)

#: The budget if none is chosen.
DEFAULT_BUDGET = 2.0

#: Minutes after which `BEST` ends even if the score still gets better, and its epochs.
_LONGEST, _EPOCHS_OF_BEST = 120.0, 120
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 15


def fine_tune_parameters(budget: float | str = DEFAULT_BUDGET) -> TrainParameters:
    """Choose the parameters of a fine-tuning by the time that it may take.

    Parameters
    ----------
    budget : float or str, optional
        Minutes for all of it: preparing, training, scoring. Or ``"best"``: until the score
        gets no better.

    Returns
    -------
    TrainParameters
        How to train.

    Raises
    ------
    ValueError
        If the budget is neither, or no time at all.
    """
    minutes = _LONGEST if budget == BEST else _minutes(budget)
    epochs = round(min(max(minutes * 2, _FEWEST_EPOCHS), _MOST_EPOCHS))
    return TrainParameters(
        minutes=minutes,
        epochs=_EPOCHS_OF_BEST if budget == BEST else epochs,
        learning_rate=1e-3,
        validation_fraction=0.25,
        rehearsal=0.5,
    )


def _minutes(budget: float | str) -> float:
    try:
        return float(budget)
    except ValueError:
        raise ValueError(
            f"Expected a budget in minutes, such as 2, or {BEST!r}, got {budget!r}."
        ) from None
