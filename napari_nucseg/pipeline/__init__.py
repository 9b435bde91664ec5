"""From an image to labels: normalize, scale, tiles, instances."""

from .instances import NETWORK_DIAMETER
from .normalize import normalize
from .scale import (
    estimate_scale,
    high_contrast_crops,
    inside_nuclei,
    typical_diameter,
    zoom_for,
)
from .segmentation import Segmentation, SegmentParameters, relabel, segment_field, segment_plane
from .tiles import (
    BATCH_TILES,
    CONCURRENT_BATCHES,
    CORE,
    CORE_IN_LARGE_PLANE,
    HALO,
    LARGE_PLANE_PIXELS,
    STRIDE,
    pad_to_stride,
    tiles_of,
)

__all__ = [
    "BATCH_TILES",
    "CONCURRENT_BATCHES",
    "CORE",
    "CORE_IN_LARGE_PLANE",
    "HALO",
    "LARGE_PLANE_PIXELS",
    "NETWORK_DIAMETER",
    "STRIDE",
    "SegmentParameters",
    "Segmentation",
    "estimate_scale",
    "high_contrast_crops",
    "inside_nuclei",
    "normalize",
    "pad_to_stride",
    "relabel",
    "segment_field",
    "segment_plane",
    "tiles_of",
    "typical_diameter",
    "zoom_for",
]
