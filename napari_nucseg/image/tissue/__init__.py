"""The simulator of packed tissue, fluorescent and stained."""

from .layout import TissueKind
from .simulate import Species, simulate_tissue
from .stains import Stain

__all__ = ["Species", "Stain", "TissueKind", "simulate_tissue"]
