"""How labels came about, as it is written into their file."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .heard import heard_of
from .tiff import TIFF_SUFFIXES

__all__ = ["PROVENANCE", "read_provenance"]

#: Under this name ImageJ shows a text with *Image, Show Info*.
PROVENANCE = "Info"


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Return how labels came about.

    Parameters
    ----------
    path : path
        File of the labels.

    Returns
    -------
    dict
        What `nucseg segment` wrote into the TIFF, or beside it with ``--provenance``: model,
        checksum of its weights, parameters, version. Empty if nobody did.
    """
    path = Path(path)
    texts = []
    if path.suffix.lower() in TIFF_SUFFIXES:
        texts.append(_in_tiff(path))
    with contextlib.suppress(OSError, UnicodeDecodeError):
        texts.append(path.with_suffix(".json").read_text(encoding="utf-8"))
    for text in texts:
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text)
            if isinstance(found, dict) and "software" in found:
                return found
    return {}


def _in_tiff(path: Path) -> str:
    """Return the text in a TIFF, empty if there is none."""
    import tifffile

    with contextlib.suppress(Exception), heard_of("tifffile"), tifffile.TiffFile(path) as file:
        if file.is_ome and file.ome_metadata:
            root = ElementTree.fromstring(file.ome_metadata)
            texts = (one.text for one in root.iter() if one.tag.endswith("}Description"))
            return next(texts, "") or ""
        known = file.imagej_metadata or (file.shaped_metadata or [{}])[0]
        return str(known.get(PROVENANCE, ""))
    return ""
