"""Labels for other programs: a module for each format."""

from .base import FORMATS, ExportFormat, Labeled
from .centroids import Centroids
from .coco import Coco
from .geojson import GeoJson
from .imagej import ImageJRois
from .masks import CellposeMasks, LabelTiff, OmeTiff
from .overlay import Overlay

__all__ = [
    "FORMATS",
    "CellposeMasks",
    "Centroids",
    "Coco",
    "ExportFormat",
    "GeoJson",
    "ImageJRois",
    "LabelTiff",
    "Labeled",
    "OmeTiff",
    "Overlay",
]
