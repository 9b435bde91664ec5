"""Which of what tifffile says in its log, while it reads a file, is harmless."""

from __future__ import annotations

import re

__all__ = ["is_harmless"]

#: Without these tags, or with others, pixels are something else.
_NEEDED_TAGS = {
    256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 318, 320, 322, 323, 324, 325,
    332, 338, 339, 347, 529, 530, 532, 32997, 32998,
}  # fmt: skip

#: What is about metadata, or about parts that are an error when they are read.
_HARMLESS = re.compile(
    "|".join(
        (
            r"OME series (raised|failed to read|is missing|expected \d+ frames)",
            r"OME series (contains|cannot handle discontiguous|level \d+ is empty)",
            r"MMStack|NDTiff|ScanImage|Philips|Indica|AVS series|SVS series",
            r"BIF series tiles are not stitched|STK Datetime|of unknown order",
            r"(imagej|fluoview|eer_xml)_metadata|read_uic1tag|GeoKeyDirectoryTag",
            r"(andor|epics|ndpi|nuvu)_tags|get_resolution|GDAL_NODATA|subfiletype",
            r"shaped series metadata does not match|axes do not match|ignoring predictor",
            r"estimating ByteCounts for CCITT",
        )
    )
)
_TAG = re.compile(r"TiffTag (\d+)|tag #(\d+)")


def is_harmless(text: str) -> bool:
    """Tell whether the pixels that are read are right all the same.

    Parameters
    ----------
    text : str
        A line of the log.

    Returns
    -------
    bool
        Whether it is about metadata, or about planes that are missing: these are an error
        when they are read.
    """
    tag = _TAG.search(text)
    if tag:
        return int(tag[1] or tag[2]) not in _NEEDED_TAGS
    return bool(_HARMLESS.search(text))
