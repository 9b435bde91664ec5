"""Find the nuclei in one image and save their labels.

python segment_in_python.py [OUTPUT.tif]
"""

import sys

import numpy as np
import tifffile
from skimage.data import immunohistochemistry

import napari_nucseg


def main(output: str = "nuclei.tif") -> None:
    """Segment a section of tissue that comes with scikit-image.

    Parameters
    ----------
    output : str, optional
        The label image to write.
    """
    image = immunohistochemistry()  # any array (Y, X), (Y, X, 3) or (C, Y, X) will do
    labels = napari_nucseg.segment(image, minimum_size=50)
    tifffile.imwrite(output, labels, compression="zlib")
    sizes = np.bincount(labels.ravel())[1:]
    print(f"{labels.max()} nuclei, median area {np.median(sizes):.0f} pixels, in {output}")


if __name__ == "__main__":
    main(*sys.argv[1:])
