"""From an image to labels: normalize, scale, tiles, maps, instances, nuclei."""

from .instances import find_basins, heights_of, instances_from_maps
from .normalize import normalize
from .outputs import TABLE_ENDING, Outputs
from .parameters import SegmentParameters
from .predictor import (
    DEFAULT_SPEC,
    NETWORK_DIAMETER,
    STRIDE,
    Maps,
    ModelSpec,
    Predictor,
    spec_of,
)
from .segmentation import Segmentation, relabel, segment_field, segment_plane
from .tiles import pad_to_stride

__all__ = [
    "DEFAULT_SPEC",
    "NETWORK_DIAMETER",
    "STRIDE",
    "TABLE_ENDING",
    "Maps",
    "ModelSpec",
    "Outputs",
    "Predictor",
    "SegmentParameters",
    "Segmentation",
    "find_basins",
    "heights_of",
    "instances_from_maps",
    "normalize",
    "pad_to_stride",
    "relabel",
    "segment_field",
    "segment_plane",
    "spec_of",
]
