"""The tool that makes a model with fewer filters."""

import dataclasses

import keras
import numpy as np
import pytest

from napari_nucseg.network.architectures.mobilenetv2 import MobileNetUNet
from napari_nucseg.network.architectures.unet import UNet
from napari_nucseg.network.predict import load_network
from napari_nucseg.registry.store import Card, load_model, save_model

NARROW = MobileNetUNet((5, 6, 7, 10), alpha=0.1, expansion=2, squeeze=2)
WIDE = dataclasses.replace(NARROW, widths=(10, 12, 14, 20), expansion=4, squeeze=1)


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("narrow_model")


@pytest.fixture(autouse=True)
def few_places(tool, monkeypatch):
    monkeypatch.setattr(tool, "_BATCHES", 1)
    monkeypatch.setattr(tool, "_BATCH", 2)
    monkeypatch.setattr(tool, "_PLACES", 1000)


def random_network(architecture):
    keras.utils.set_random_seed(0)
    network = architecture.build(batch_norm=False)
    rng = np.random.default_rng(1)
    network.set_weights([w + 0.02 * rng.random(w.shape) for w in network.get_weights()])
    return network


def widened(network, architecture):
    """Return the same function, with filters before the others that do nothing."""
    wide = architecture.build(batch_norm=False)
    for layer in wide.layers:
        known = network.get_layer(layer.name).get_weights()
        arrays = [np.zeros_like(array) for array in layer.get_weights()]
        for array, before in zip(arrays, known, strict=True):
            array[tuple(slice(-length, None) for length in before.shape)] = before
        layer.set_weights(arrays)
    return wide


def saved(folder, network, architecture):
    card = Card(folder.name, architecture=architecture.as_dict())
    return save_model(card, network.save_weights, folder)


def test_filters_that_do_nothing_are_dropped_and_nothing_changes(tool, pairs, tmp_path):
    network = random_network(NARROW)
    wide = widened(network, WIDE)
    images = tool._images_of([pairs])
    wanted = wide(images)
    for name, found in network(images).items():
        np.testing.assert_allclose(wanted[name], found, atol=1e-4)
    before = saved(tmp_path / "before", wide, WIDE)
    command = [str(tmp_path / "before"), str(tmp_path / "new"), str(pairs), "--widths"]
    tool.main([*command, "5", "6", "7", "10", "--expansion", "2", "--squeeze", "2"])
    new = load_model(tmp_path / "new")
    assert new.card.architecture == NARROW.as_dict()
    assert new.card.parent_sha256 == before.card.weights_sha256
    narrow = load_network(new)
    assert narrow.count_params() == network.count_params() < wide.count_params()
    for name, found in narrow(images).items():
        difference = np.abs(found.numpy() - wanted[name].numpy())
        assert difference.std() < 0.1 * wanted[name].numpy().std()


def test_channels_that_tell_most_are_chosen(tool):
    rng = np.random.default_rng(0)
    given = rng.random((500, 1, 6)).astype(np.float32)
    given[:, 0, 5] = given[:, 0, 1]  # either of the two will do
    made = given[:, 0] @ np.array([[0, 3, 0, 0.001, 2, 3.0]]).T
    reading = tool.Reading(given, made)
    kept = tool.choose([reading], 2)
    assert set(kept) in ({1, 4}, {4, 5})
    kernel, bias = tool.Reading(given[..., kept], made).fit()
    assert kernel.shape == (1, 1, 2, 1)
    found = given[:, 0, kept] @ kernel[0, 0] + bias
    np.testing.assert_allclose(found, made, atol=0.02)


def test_one_of_two_equal_channels_stays(tool):
    rng = np.random.default_rng(0)
    given = rng.random((500, 1, 24)).astype(np.float32)
    given[:, 0, 7] = given[:, 0, 3]
    weights = np.ones((24, 1))
    weights[[3, 7]] = 10
    kept = tool.choose([tool.Reading(given, given[:, 0] @ weights)], 22)
    assert (3 in kept) != (7 in kept)


@pytest.mark.parametrize(
    ("architecture", "wanted", "message"),
    [
        (UNet((4, 4, 4, 4)), {"expansion": 2}, "MobileNetV2"),
        (NARROW, {"expansion": 4}, "fewer"),
        (NARROW, {"widths": (5, 6, 7, 11)}, "fewer"),
        (NARROW, {"squeeze": 1}, "fewer"),
        (NARROW, {}, "fewer"),
        (WIDE, {"expansion": 1, "widths": (8, 6, 6, 6)}, "other than"),
    ],
)
def test_what_cannot_be_made_narrower_is_said(tool, tmp_path, architecture, wanted, message):
    saved(tmp_path / "before", architecture.build(batch_norm=False), architecture)
    with pytest.raises(ValueError, match=message):
        tool.narrow(tmp_path / "before", tmp_path / "new", [], wanted)
    assert not (tmp_path / "new").exists()


def test_existing_output_is_said_before_anything_is_computed(tool, tmp_path):
    saved(tmp_path / "before", WIDE.build(batch_norm=False), WIDE)
    with pytest.raises(FileExistsError, match="before"):
        tool.narrow(tmp_path / "before", tmp_path / "before", [], {"expansion": 2})


def test_maps_are_those_of_the_network_also_with_little_memory(tool, monkeypatch):
    network = random_network(NARROW)
    images = np.random.default_rng(0).random((3, 32, 32, 3)).astype(np.float32)
    names = ["block_3_expand_relu", "decoder1_add", "maps"]
    outputs = [network.get_layer(name).output for name in names]

    def check():
        for found, wanted in zip(
            maps.look(*names), keras.Model(network.input, outputs)(images), strict=True
        ):
            np.testing.assert_allclose(found, wanted, atol=1e-5)

    for most in (10**9, 10_000):
        monkeypatch.setattr(tool, "_MOST_BYTES", most)
        maps = tool.Maps(network, images)
        check()
        layer = network.get_layer("block_3_expand")
        layer.set_weights([2 * weights for weights in layer.get_weights()])
        maps.forget(layer.name)
        check()
