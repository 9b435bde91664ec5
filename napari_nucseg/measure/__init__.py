"""From labels to numbers."""

from .metrics import Scores, match_counts, summarize
from .paired import Outcomes, interval_of_difference, outcomes_of, pooled_mean_ap

__all__ = [
    "Outcomes",
    "Scores",
    "interval_of_difference",
    "match_counts",
    "outcomes_of",
    "pooled_mean_ap",
    "summarize",
]
