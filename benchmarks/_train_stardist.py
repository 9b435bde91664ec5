"""Train StarDist with its own code, in its own environment. Called by peers.py.

The network is its default one in 2-D with grid (2, 2); the augmentation is of the kind of its
example notebook: flips, quarter turns, intensity, noise. The epochs, of 100 steps of 4
patches, are far fewer than its default 400, and its learning rate falls sooner to match.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile
from csbdeep.utils import normalize
from stardist import fill_label_holes
from stardist.models import Config2D, StarDist2D

_HELD_OUT = 0.15


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with images/ and masks/")
    parser.add_argument("output", type=Path, help="folder of the new model")
    parser.add_argument("--epochs", type=int, required=True)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    paths = sorted((options.data / "images").glob("*.tif"))
    pairs = [read(path) for path in paths]
    order = rng.permutation(len(pairs))
    held = max(1, round(_HELD_OUT * len(pairs)))
    validation = [pairs[i] for i in order[:held]]
    training = [pairs[i] for i in order[held:]]
    config = Config2D(
        grid=(2, 2),
        n_channel_in=1,
        train_epochs=options.epochs,
        train_tensorboard=False,
        train_reduce_lr={"factor": 0.5, "patience": max(2, options.epochs // 10)},
    )
    model = StarDist2D(config, options.output.name, str(options.output.parent))
    model.train(
        *map(list, zip(*training, strict=True)),
        validation_data=tuple(map(list, zip(*validation, strict=True))),
        augmenter=augmented,
        seed=0,
    )
    model.optimize_thresholds(*map(list, zip(*validation, strict=True)))


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read an image and its mask, as StarDist wants them."""
    image = normalize(tifffile.imread(path), 1, 99.8)
    labels = tifffile.imread(path.parent.parent / "masks" / path.name)
    return image, fill_label_holes(labels)


def augmented(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a patch flipped, turned, with other intensities and noise."""
    rng = np.random.default_rng(np.random.randint(2**31))
    turns = int(rng.integers(4))
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if rng.random() < 0.5:
        image, labels = image[::-1], labels[::-1]
    image = image * rng.uniform(0.6, 2.0) + rng.uniform(-0.2, 0.2)
    return image + 0.02 * rng.random() * rng.normal(size=image.shape), labels


if __name__ == "__main__":
    main()
