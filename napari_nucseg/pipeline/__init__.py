"""From an image to labels: normalize, scale, tiles, maps, instances, nuclei."""

from .instances import find_basins, heights_of, instances_from_maps
from .normalize import CLIP, HIGH, LOW, normalize
from .parameters import SegmentParameters, StackParameters
from .predictor import (
    DEFAULT_SPEC,
    NETWORK_DIAMETER,
    STRIDE,
    Maps,
    ModelSpec,
    Predictor,
    spec_of,
)
from .segmentation import Segmentation, check_fits, segment_field, segment_plane
from .stacks import relabel, segment_image
from .tiles import pad_to_stride
from .tracking import Tracks

__all__ = [
    "CLIP",
    "DEFAULT_SPEC",
    "HIGH",
    "LOW",
    "NETWORK_DIAMETER",
    "STRIDE",
    "Maps",
    "ModelSpec",
    "Predictor",
    "SegmentParameters",
    "Segmentation",
    "StackParameters",
    "Tracks",
    "check_fits",
    "find_basins",
    "heights_of",
    "instances_from_maps",
    "normalize",
    "pad_to_stride",
    "relabel",
    "segment_field",
    "segment_image",
    "segment_plane",
    "spec_of",
]
