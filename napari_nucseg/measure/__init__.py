"""From labels to numbers."""

from .metrics import Scores, match_counts, summarize

__all__ = [
    "Scores",
    "match_counts",
    "summarize",
]
