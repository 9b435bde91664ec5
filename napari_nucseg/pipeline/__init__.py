"""From an image to labels: normalize, scale, tiles, maps, instances, nuclei."""

from .instances import MIN_PROMINENCE, find_basins, heights_of, instances_from_maps
from .maps import estimate_diameter, predict_maps, predict_maps_and_diameter
from .normalize import IntensityRange, measure_range, normalize
from .nuclei import nucleus_table
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
    "MIN_PROMINENCE",
    "NETWORK_DIAMETER",
    "STRIDE",
    "IntensityRange",
    "Maps",
    "ModelSpec",
    "Predictor",
    "SegmentParameters",
    "Segmentation",
    "estimate_diameter",
    "find_basins",
    "heights_of",
    "instances_from_maps",
    "measure_range",
    "normalize",
    "nucleus_table",
    "pad_to_stride",
    "predict_maps",
    "predict_maps_and_diameter",
    "relabel",
    "segment_field",
    "segment_plane",
    "spec_of",
]
