"""A folder of images that a person works through: what is done, and what comes next."""

from .order import FILTERS, ORDERS, Filter, Order, arrange, count_of, following
from .row import FolderRow, ImageState
from .stored import StoredLabels
from .work import RESULT, FolderWork, Saved, made_with

__all__ = [
    "FILTERS",
    "ORDERS",
    "RESULT",
    "Filter",
    "FolderRow",
    "FolderWork",
    "ImageState",
    "Order",
    "Saved",
    "StoredLabels",
    "arrange",
    "count_of",
    "following",
    "made_with",
]
