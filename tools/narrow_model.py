"""Make a model with fewer filters out of a trained one, to train on from.

    python tools/narrow_model.py runs/model runs/narrow DATA… --widths 32 48 96 128

One layer after the other, those filters are kept from which best follows what the next layers
make of all of them, and the next layers are fitted to them by least squares (He et al., arXiv
1707.06168). Which filter can be missed is told by how much larger the error of that fit
becomes without it (Hassibi and Stork, NIPS 1992).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_nucseg.image.pairs import read_fields
from napari_nucseg.network.architectures import read_architecture
from napari_nucseg.network.architectures.mobilenetv2 import SKIPS, MobileNetUNet
from napari_nucseg.network.blocks import SIZE_LEVEL
from napari_nucseg.network.predict import load_network
from napari_nucseg.network.weights_file import write_weights
from napari_nucseg.registry.store import load_model, save_model
from napari_nucseg.support.atomic import check_new_folder
from napari_nucseg.training.patches import batches, prepare_field

if TYPE_CHECKING:
    import keras

ALL = slice(None)

#: What the filters are chosen by: places in each layer, of this many batches of patches.
_PLACES, _BATCHES, _BATCH = 20_000, 12, 8
#: Memory for the maps of a network that are kept.
_MOST_BYTES = 2_000_000_000
#: Part of the mean square of every input that is added to it, so that the fit is stable.
_RIDGE = 1e-3


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("before", type=Path, help="folder of a model with MobileNetV2")
    parser.add_argument("output", type=Path, help="folder of the new model")
    parser.add_argument("data", type=Path, nargs="+", help="folders with images/ and masks/")
    parser.add_argument(
        "--widths", type=int, nargs=4, metavar="W", help="filters of the decoder's levels"
    )
    parser.add_argument("--expansion", type=int, help="factor of those inside of the encoder's")
    parser.add_argument("--squeeze", type=int, help="divides those inside of the decoder's")
    options = parser.parse_args(arguments)
    wanted = {"expansion": options.expansion, "squeeze": options.squeeze}
    wanted["widths"] = tuple(options.widths) if options.widths else None
    given = {name: value for name, value in wanted.items() if value is not None}
    try:
        parameters = narrow(options.before, options.output, options.data, given)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"The model in {options.output} has {parameters} numbers. Train on from it.")


def narrow(before: Path, output: Path, data: Sequence[Path], wanted: dict[str, Any]) -> int:
    """Save a model with fewer filters.

    Parameters
    ----------
    before : Path
        Folder of the model.
    output : Path
        Folder of the new model; it must not exist.
    data : sequence of Path
        Folders of pairs of image and mask, from each of which as many patches are taken,
        changed as for training.
    wanted : dict
        Fields of its `MobileNetUNet` that are to have other values.

    Returns
    -------
    int
        How many numbers the new network has.

    Raises
    ------
    ValueError
        If the model cannot be made narrower like that.
    OSError
        If the model or the data cannot be read, or the output exists.
    """
    model = load_model(before)
    old = read_architecture(model.card.architecture)
    if not isinstance(old, MobileNetUNet):
        raise ValueError(f"Expected a model with MobileNetV2, got one of kind {old.kind!r}.")
    new = dataclasses.replace(old, **wanted)
    _check_narrower(old, new)
    check_new_folder(output)
    images = _images_of(data)
    network = new.build(batch_norm=False)
    narrowing = Narrowing(load_network(model), network, images)
    narrowing.narrow_encoder()
    narrowing.narrow_decoder()
    card = dataclasses.replace(
        model.card,
        created=datetime.date.today().isoformat(),
        architecture=new.as_dict(),
        parent=model.card.name,
        parent_sha256=model.card.weights_sha256,
        training={},
        scores={},
    )
    save_model(card, functools.partial(write_weights, network), output)
    return network.count_params()


def _check_narrower(old: MobileNetUNet, new: MobileNetUNet) -> None:
    pairs = zip(_filters(old), _filters(new), strict=True)
    if new == old or any(fewer > all_ for all_, fewer in pairs):
        raise ValueError(f"Expected fewer filters than {old}, got {new}.")
    for one in (old, new):
        # Such a map is added as it is: there is no layer that could be fitted.
        if any(map(int.__eq__, one.widths, one.skip_widths)):
            raise ValueError(
                f"Expected widths other than {one.skip_widths}, those of the encoder's maps, "
                f"got {one.widths}."
            )


def _filters(architecture: MobileNetUNet) -> list[int]:
    """Return numbers of filters, none of which may grow."""
    inside = [max(1, width // architecture.squeeze) for width in architecture.widths]
    return [architecture.expansion, *architecture.widths, *inside]


def _images_of(data: Sequence[Path]) -> np.ndarray:
    """Return patches as training sees them, (N, Y, X, 3)."""
    groups = [[prepare_field(field) for field in read_fields([folder])] for folder in data]
    found = batches(
        groups,
        [1] * len(groups),
        batch_size=_BATCH,
        patch_size=256,
        seed=(0,),
        count=_BATCHES,
        synthetic_stain=0.2,
        stain_augmentation=0.5,
    )
    return np.concatenate([images for images, _ in found])


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a layer is given, and what it is to make of it.

    Parameters
    ----------
    given : ndarray of float32, shape (places, K, C)
        The K pixels under its kernel, with C channels.
    made : ndarray of float32, shape (places, O)
        O channels.
    """

    given: np.ndarray
    made: np.ndarray

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the normal equations of the fit.

        Returns
        -------
        left : ndarray of float64, shape (K C + 1, K C + 1)
            What the inputs have to do with each other; the last is always 1.
        right : ndarray of float64, shape (K C + 1, O)
            What they have to do with the channels that are made.
        """
        rows = self.given.reshape(len(self.given), -1)
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1, dtype=np.float64)
        left = rows.T @ rows
        diagonal = np.diag_indices_from(left)
        left[diagonal] = left[diagonal] * (1 + _RIDGE) + 1e-6
        return left, rows.T @ self.made

    def fit(self) -> tuple[np.ndarray, np.ndarray]:
        """Fit the layer.

        Returns
        -------
        kernel : ndarray of float32, shape (Y, X, C, O)
            Its weights.
        bias : ndarray of float32, shape (O,)
            What it adds.
        """
        weights = np.linalg.solve(*self.sums())
        side = round(np.sqrt(self.given.shape[1]))
        kernel = weights[:-1].reshape(side, side, self.given.shape[2], -1)
        return kernel.astype(np.float32), weights[-1].astype(np.float32)


def choose(readings: Sequence[Reading], count: int) -> np.ndarray:
    """Choose the channels from which several layers can best do what they do.

    Parameters
    ----------
    readings : sequence of Reading
        What each of them does with all channels.
    count : int
        How many channels to keep.

    Returns
    -------
    ndarray of int, shape (count,)
        Which ones, in rising order.
    """
    kept = np.arange(readings[0].given.shape[2])
    sums = [reading.sums() for reading in readings]
    variances = [reading.made.var(axis=0).sum() + 1e-12 for reading in readings]
    while kept.size > count:
        harm = np.zeros(kept.size)
        for reading, (left, right), variance in zip(readings, sums, variances, strict=True):
            harm += _harm(left, right, reading.given.shape[1:], kept) / variance
        # One at a time: of two that are alike either can be missed, but not both.
        kept = np.delete(kept, np.argmin(harm))
    return kept


def _harm(
    left: np.ndarray, right: np.ndarray, shape: tuple[int, ...], kept: np.ndarray
) -> np.ndarray:
    """Return by how much the squared error of a fit grows without each of the channels."""
    pixels, channels = shape
    places = np.arange(pixels)[:, None] * channels + kept
    used = np.append(places.ravel(), pixels * channels)
    inverse = np.linalg.inv(left[np.ix_(used, used)])
    weights = inverse @ right[used]
    harm = np.empty(kept.size)
    for number in range(kept.size):
        group = np.arange(pixels) * kept.size + number
        part = weights[group]
        harm[number] = np.sum(part * np.linalg.solve(inverse[np.ix_(group, group)], part))
    return harm


class Maps:
    """What the layers of a network make of some images.

    Each layer runs once, and its map is kept for the next layers, as far as there is memory.
    A map that is no longer kept is made again from those before it.

    Parameters
    ----------
    network : keras.Model
        Every layer is used once.
    images : ndarray of float32, shape (N, Y, X, 3)
        What it is shown.
    """

    def __init__(self, network: keras.Model, images: np.ndarray) -> None:
        self._layers = {layer.name: layer for layer in network.layers}
        makers = {id(layer.output): layer.name for layer in network.layers}
        #: The names of the layers whose maps a layer is given.
        self._before = {
            name: [makers[id(tensor)] for tensor in _listed(layer.input)]
            for name, layer in self._layers.items()
        }
        (image,) = (name for name, before in self._before.items() if not before)
        self._image, self._images = image, images
        self._kept: collections.OrderedDict[str, np.ndarray] = collections.OrderedDict()

    def look(self, *names: str) -> list[np.ndarray]:
        """Return the maps of some layers.

        Parameters
        ----------
        *names : str
            Names of the layers.

        Returns
        -------
        list of ndarray of float32, shape (N, Y, X, C)
            One map for each.
        """
        needed = self._needed(names)
        readers = collections.Counter(one for name in needed for one in self._before[name])
        maps = {name: self._kept[name] for name in {*readers, *names} if name in self._kept}
        maps[self._image] = self._images
        for name in needed:
            maps[name] = self._run(name, [maps[one] for one in self._before[name]])
            self._keep(name, maps[name])
            for one in self._before[name]:
                readers[one] -= 1
                if not readers[one] and one not in names:
                    del maps[one]
        return [maps[name] for name in names]

    def forget(self, name: str) -> None:
        """Forget the maps that depend on the weights of a layer.

        Parameters
        ----------
        name : str
            Name of the layer.
        """
        changed = {name}
        for one, before in self._before.items():
            if not changed.isdisjoint(before):
                changed.add(one)
        for one in changed:
            self._kept.pop(one, None)

    def _needed(self, names: Sequence[str]) -> list[str]:
        """Return the layers that have to run, in an order in which they can."""
        wanted = {name for name in names if name not in self._kept}
        for name in reversed(self._before):
            if name in wanted:
                wanted.update(one for one in self._before[name] if one not in self._kept)
        return [name for name in self._before if name in wanted and name != self._image]

    def _run(self, name: str, given: Sequence[np.ndarray]) -> np.ndarray:
        layer = self._layers[name]
        parts = []
        for start in range(0, len(self._images), _BATCH):
            batch = [maps[start : start + _BATCH] for maps in given]
            parts.append(np.asarray(layer(batch if len(batch) > 1 else batch[0])))
        return np.concatenate(parts)

    def _keep(self, name: str, maps: np.ndarray) -> None:
        self._kept[name] = maps
        while sum(one.nbytes for one in self._kept.values()) > _MOST_BYTES:
            self._kept.popitem(last=False)


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


class Narrowing:
    """A network and the narrower one that is made of it.

    Parameters
    ----------
    old, new : keras.Model
        Both without batch normalization.
    images : ndarray of float32, shape (N, Y, X, 3)
        What they are shown.
    """

    def __init__(self, old: keras.Model, new: keras.Model, images: np.ndarray) -> None:
        self.old, self.new = old, new
        self.old_maps, self.new_maps = Maps(old, images), Maps(new, images)
        self.rng = np.random.default_rng(0)
        #: Which channels the decoder has kept at each level.
        self.kept = [self._choose_of_level(level) for level in range(len(SKIPS))]

    def narrow_encoder(self) -> None:
        """Give the encoder its weights, block by block from the image on."""
        for layer in self.new.layers:
            if layer.name in ("Conv1", "expanded_conv_depthwise", "expanded_conv_project"):
                self._set(layer.name, *self.old.get_layer(layer.name).get_weights())
            elif layer.name.startswith("block_") and layer.name.endswith("_expand"):
                self._narrow_block(layer.name.removesuffix("_expand"), layer.filters)

    def narrow_decoder(self) -> None:
        """Give the decoder its weights, level by level from the lowest on."""
        lowest = len(SKIPS) - 1
        self._fit("block_16_project", f"up{lowest}", self.kept[lowest])
        for level in reversed(range(len(SKIPS))):
            name = f"decoder{level}"
            before, inside, after = f"up{level}_add", f"{name}_first_relu", f"{name}_relu"
            second = self._reading(inside, f"{name}_second", self.kept[level])
            filters = choose([second], self.new.get_layer(f"{name}_first").filters)
            self._fit(before, f"{name}_first", filters)
            self._fit(inside, f"{name}_second", self.kept[level], added=f"{name}_add")
            for reader in self._readers(level):
                known = reader.startswith("up")
                self._fit(after, reader, self.kept[level - 1] if known else ALL)

    def _readers(self, level: int) -> list[str]:
        """Return the layers that are given what a level of the decoder makes."""
        above = [f"up{level - 1}" if level else "maps"]
        return [*above, "size"] if level == SIZE_LEVEL else above

    def _choose_of_level(self, level: int) -> np.ndarray:
        """Choose the channels of a level of the decoder."""
        first = self._reading(f"up{level}_add", f"decoder{level}_first")
        after = [self._reading(f"decoder{level}_relu", name) for name in self._readers(level)]
        return choose([first, *after], self.new.get_layer(f"up{level}").filters)

    def _narrow_block(self, name: str, filters: int) -> None:
        """Narrow a block of the encoder, which the decoder may be given the inside of."""
        expanded, filtered = f"{name}_expand_relu", f"{name}_depthwise_relu"
        readings = [self._reading(filtered, f"{name}_project")]
        level = SKIPS.index(f"{name}_expand") if f"{name}_expand" in SKIPS else None
        if level is not None:
            readings.append(self._reading(expanded, f"skip{level}", self.kept[level]))
        kept = choose(readings, filters)
        kernel, bias = self.old.get_layer(f"{name}_expand").get_weights()
        self._set(f"{name}_expand", kernel[..., kept], bias[kept])
        kernel, bias = self.old.get_layer(f"{name}_depthwise").get_weights()
        self._set(f"{name}_depthwise", kernel[:, :, kept], bias[kept])
        self._fit(filtered, f"{name}_project", added=f"{name}_add")
        if level is not None:
            self._fit(expanded, f"skip{level}", self.kept[level])

    def _reading(self, before: str, layer: str, channels: Any = ALL) -> Reading:
        """Return what a layer of the old network is given, and some channels that it makes."""
        given, made = self.old_maps.look(before, layer)
        return self._at_places(given, made[..., channels], layer)

    def _fit(
        self, before: str, layer: str, channels: Any = ALL, *, added: str | None = None
    ) -> None:
        """Fit a layer of the new network to some channels that it made in the old one.

        Where the result is added to something, it makes up for what is wrong with that.
        """
        adds = added is not None and any(one.name == added for one in self.new.layers)
        names = [layer, added] if adds else [layer]
        wanted = self.old_maps.look(*names)[-1][..., channels]
        given, *now = self.new_maps.look(before, *names)
        if adds:
            wanted = wanted - (now[1] - now[0])
        self._set(layer, *self._at_places(given, wanted, layer).fit())

    def _at_places(self, given: np.ndarray, made: np.ndarray, layer: str) -> Reading:
        """Return what there is at some places of two maps, the first with what is around it."""
        places = [self.rng.integers(0, length, _PLACES) for length in made.shape[:3]]
        side = self.old.get_layer(layer).kernel_size[0]
        edge = side // 2
        given = np.pad(given, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        image, row, column = places
        around = [given[image, row + y, column + x] for y in range(side) for x in range(side)]
        return Reading(np.stack(around, axis=1), made[tuple(places)])

    def _set(self, layer: str, kernel: np.ndarray, bias: np.ndarray) -> None:
        self.new.get_layer(layer).set_weights([kernel, bias])
        self.new_maps.forget(layer)


if __name__ == "__main__":
    main()
