"""Images, masks and pairs of them: arrays and files, and the simulator."""

from .field import Field, as_labels, guess_axes
from .files import (
    IMAGE_SUFFIXES,
    check_file,
    read_image,
    read_labels,
    write_labels,
    write_probability,
)
from .folders import LABELS_ENDING, PROBABILITY_ENDING, find_images, labels_in
from .masks import instances_of, looks_like_labels, warn_of_doubts
from .pairs import read_fields
from .simulate import simulate_field

__all__ = [
    "IMAGE_SUFFIXES",
    "LABELS_ENDING",
    "PROBABILITY_ENDING",
    "Field",
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
    "warn_of_doubts",
    "write_labels",
    "write_probability",
]
