"""Images, masks and pairs of them: arrays and files, and the simulator."""

from .array import ArrayImage, as_image
from .axes import axes_of_names, check_axes, guess_axes, names_of_axes, read_old_axes
from .base import BaseImage
from .channel_names import channel_number
from .division import Division
from .field import Field
from .files import (
    IMAGE_SUFFIXES,
    check_file,
    open_image,
    open_planes,
    read_image,
    read_labels,
    write_labels,
    write_probability,
)
from .folders import (
    LABELS_ENDING,
    PROBABILITY_ENDING,
    find_images,
    labels_in,
    labels_name,
    same_labels,
)
from .foreign import FOREIGN_SUFFIXES, read_foreign_labels
from .heard import heard_of
from .image import Image
from .labels import as_labels
from .masks import MaskIssue, are_outlines, instances_of, looks_like_labels, warn_of_issues
from .origin import Origin
from .pairs import read_fields
from .planes import check_channel, nuclear_channel_of
from .provenance import read_provenance
from .reviewed import reviewed_area, reviewed_labels
from .set_aside import Stamp, is_set_aside, says_corrected, set_aside_corrected, stamp_of
from .simulate import simulate_field
from .simulate_movie import simulate_movie
from .simulate_stack import simulate_stack
from .stack_files import write_stack
from .tissue import Species, Stain, TissueKind, simulate_tissue
from .understood import understood

__all__ = [
    "FOREIGN_SUFFIXES",
    "IMAGE_SUFFIXES",
    "LABELS_ENDING",
    "PROBABILITY_ENDING",
    "ArrayImage",
    "BaseImage",
    "Division",
    "Field",
    "Image",
    "MaskIssue",
    "Origin",
    "Species",
    "Stain",
    "Stamp",
    "TissueKind",
    "are_outlines",
    "as_image",
    "as_labels",
    "axes_of_names",
    "channel_number",
    "check_axes",
    "check_channel",
    "check_file",
    "find_images",
    "guess_axes",
    "heard_of",
    "instances_of",
    "is_set_aside",
    "labels_in",
    "labels_name",
    "looks_like_labels",
    "names_of_axes",
    "nuclear_channel_of",
    "open_image",
    "open_planes",
    "read_fields",
    "read_foreign_labels",
    "read_image",
    "read_labels",
    "read_old_axes",
    "read_provenance",
    "reviewed_area",
    "reviewed_labels",
    "same_labels",
    "says_corrected",
    "set_aside_corrected",
    "simulate_field",
    "simulate_movie",
    "simulate_stack",
    "simulate_tissue",
    "stamp_of",
    "understood",
    "warn_of_issues",
    "write_labels",
    "write_probability",
    "write_stack",
]
