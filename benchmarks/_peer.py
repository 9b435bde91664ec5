"""Segment a folder of images with one method, in a process and an environment of its own.

Called by peers.py. It may import nothing of this project but for the method ``nucseg``:
StarDist is installed elsewhere. Prints one line of JSON: the seconds of every image.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

#: Takes a grey image (Y, X), gives labels.
Segment = Callable[[np.ndarray], np.ndarray]

#: Height and width of the tiles of ``stardist_tiled``.
_TILE = 1024


def main() -> None:
    """Run the script."""
    import tifffile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("images", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--runs", type=int, default=1, help="to take the median time of")
    options = parser.parse_args()
    segment = METHODS[options.method](options.model)
    paths = sorted(options.images.glob("*.tif"))
    # The first call loads and compiles what all others use.
    segment(tifffile.imread(paths[0])[:256, :256])
    options.output.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for path in paths:
        image = tifffile.imread(path)
        times = []
        for _ in range(options.runs):
            start = time.perf_counter()
            labels = segment(image)
            times.append(time.perf_counter() - start)
        seconds[path.stem] = statistics.median(times)
        tifffile.imwrite(options.output / path.name, labels.astype(np.int32))
    print(json.dumps(seconds))


def nucseg(model: str) -> Segment:
    """Return this project's own method."""
    import napari_nucseg

    return lambda image: napari_nucseg.segment(image, model)


def otsu(_: str) -> Segment:
    """Return the floor: Otsu's threshold and a watershed of the distance transform.

    Of an image in color (Y, X, 3) it takes the hematoxylin.
    """
    from scipy import ndimage
    from skimage import color, feature, filters, measure, morphology, segmentation

    def segment(image: np.ndarray) -> np.ndarray:
        if image.ndim == 3:
            image = color.rgb2hed(image)[..., 0]
        smooth = filters.gaussian(image.astype(np.float32), 1, preserve_range=True)
        foreground = smooth > filters.threshold_otsu(smooth)
        foreground = morphology.remove_small_objects(foreground, max_size=14)
        distance = filters.gaussian(ndimage.distance_transform_edt(foreground), 1)
        peaks = feature.peak_local_max(
            distance, min_distance=5, labels=measure.label(foreground)
        )
        seeds = np.zeros(image.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        return segmentation.watershed(-distance, seeds, mask=foreground)

    return segment


def stardist_tiled(model: str) -> Segment:
    """Return StarDist as it is used on large images."""
    return stardist(model, tile=_TILE)


def stardist(model: str, tile: int | None = None) -> Segment:
    """Return StarDist with a model that peers.py trained, or a published one by its name.

    Without tiles it is called as its documentation does.
    """
    from csbdeep.utils import normalize
    from stardist.models import StarDist2D

    folder = Path(model)
    network = (
        StarDist2D(None, folder.name, str(folder.parent))
        if folder.is_dir()
        else StarDist2D.from_pretrained(model)
    )

    def segment(image: np.ndarray) -> np.ndarray:
        tiles = tuple(-(-length // tile) for length in image.shape) if tile else None
        labels, _ = network.predict_instances(
            normalize(image, 1, 99.8), n_tiles=tiles, show_tile_progress=False
        )
        return labels

    return segment


#: The methods by name. Each takes the name or folder of a model.
METHODS: dict[str, Callable[[str], Segment]] = {
    method.__name__: method for method in (nucseg, otsu, stardist, stardist_tiled)
}


if __name__ == "__main__":
    main()
