"""From labels to numbers."""

from .differences import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, Differences, differences
from .metrics import Scores, match_counts, summarize

__all__ = [
    "FIRST_ONLY",
    "OTHER_OUTLINE",
    "SECOND_ONLY",
    "Differences",
    "Scores",
    "differences",
    "match_counts",
    "summarize",
]
