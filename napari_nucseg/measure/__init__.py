"""From labels to numbers."""

from .differences import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, Differences, differences
from .metrics import Scores, match_counts, summarize
from .paired import Outcomes, interval_of_difference, outcomes_of, pooled_mean_ap

__all__ = [
    "FIRST_ONLY",
    "OTHER_OUTLINE",
    "SECOND_ONLY",
    "Differences",
    "Outcomes",
    "Scores",
    "differences",
    "interval_of_difference",
    "match_counts",
    "outcomes_of",
    "pooled_mean_ap",
    "summarize",
]
