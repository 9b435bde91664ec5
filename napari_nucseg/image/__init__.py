"""Images, masks and pairs of them: arrays and files, and the simulator."""

from .field import Field, as_labels, guess_axes
from .files import IMAGE_SUFFIXES, check_file, read_image, read_labels, write_labels
from .folders import LABELS_ENDING, find_images, labels_in
from .masks import instances_of, looks_like_labels, warn_of_doubts
from .pairs import read_fields
from .simulate import simulate_field
from .simulate_tissue import Species, simulate_tissue
from .tissue_layout import TissueKind
from .tissue_stains import Stain

__all__ = [
    "IMAGE_SUFFIXES",
    "LABELS_ENDING",
    "Field",
    "Species",
    "Stain",
    "TissueKind",
    "as_labels",
    "check_file",
    "find_images",
    "guess_axes",
    "instances_of",
    "labels_in",
    "looks_like_labels",
    "read_fields",
    "read_image",
    "read_labels",
    "simulate_field",
    "simulate_tissue",
    "warn_of_doubts",
    "write_labels",
]
