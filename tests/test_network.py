"""The network by itself: shapes, folding, loading, prediction."""

import dataclasses
import json
import multiprocessing
import os
import shutil

import keras
import numpy as np
import pytest
import skimage
import tensorflow as tf

from napari_nucseg import segment
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network import precision as precision_module
from napari_nucseg.network.architectures import read_architecture
from napari_nucseg.network.architectures.mobilenetv2 import MobileNetUNet
from napari_nucseg.network.architectures.unet import UNet
from napari_nucseg.network.backend import memory_errors
from napari_nucseg.network.fit import Fit
from napari_nucseg.network.initialize import resolve
from napari_nucseg.network.learner import Learner
from napari_nucseg.network.losses import maps_loss, size_loss, total_loss
from napari_nucseg.network.precision import PRECISION_VARIABLE, PRECISIONS, set_precision
from napari_nucseg.network.predict import KerasPredictor, load_network, load_predictor
from napari_nucseg.network.weights import fold_batch_norm, freeze_encoder, start_from
from napari_nucseg.pipeline.maps import (
    estimate_diameter,
    predict_maps,
    predict_maps_and_diameter,
)
from napari_nucseg.pipeline.normalize import normalize
from napari_nucseg.pipeline.predictor import DEFAULT_SPEC, NETWORK_DIAMETER, spec_of
from napari_nucseg.registry.store import CARD_FILE, WEIGHTS_FILE, Card, save_model
from napari_nucseg.training.initialization import Initialization
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.patches import batches, prepare_field
from napari_nucseg.training.targets import median_diameter

SMALL = UNet((4, 6, 8, 10))
LIGHT = MobileNetUNet((4, 6, 8, 10), alpha=0.1)


@pytest.fixture
def image():
    return np.random.default_rng(0).random((2, 32, 64, 3)).astype(np.float32)


@pytest.fixture
def targets():
    """Targets for the two images: nucleus everywhere."""
    shapes = {"maps": (2, 32, 64, 4), "size": (2, 4, 8, 2)}
    return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


both = pytest.mark.parametrize("architecture", [SMALL, LIGHT], ids=lambda one: one.kind)


@both
def test_architecture_goes_into_a_card_and_back(architecture):
    card = json.loads(json.dumps(architecture.as_dict()))
    assert read_architecture(card) == architecture


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "lambda"},
        {"kind": ["unet"], "widths": [4, 4, 4, 4]},
        {"kind": "unet", "widths": [1, 2, 3, 10**6]},
        {"kind": "unet", "widths": [4, 4, 4, 4], "alpha": 1.0},
        {"kind": "mobilenetv2", "alpha": 1.0},
        {"kind": "mobilenetv2", "widths": [4, 4, 4, 4, 4], "alpha": 1.0},
        {"kind": "mobilenetv2", "widths": [4, 4, 4, 4], "alpha": 1e9},
        {"kind": "mobilenetv2", "widths": [4, 4, 4, 4], "alpha": "1"},
    ],
)
def test_other_architectures_are_refused(values):
    with pytest.raises(ValueError, match=r"U-Net|kind mobilenetv2 or unet"):
        read_architecture(values)


@pytest.mark.parametrize("name", ["expansion", "squeeze"])
@pytest.mark.parametrize("value", [0, 9, 1.5, "1", True])
def test_unlikely_factors_of_filters_are_refused(name, value):
    with pytest.raises(ValueError, match="1 to 8"):
        read_architecture({**LIGHT.as_dict(), name: value})


def test_what_an_older_card_does_not_say_is_as_it_was():
    older = {"kind": "mobilenetv2", "widths": [48, 64, 128, 192], "alpha": 1.0}
    read = read_architecture(older)
    assert (read.expansion, read.squeeze) == (6, 1)


def test_fewer_filters_inside_of_blocks_make_a_smaller_network():
    def size(**factors):
        network = dataclasses.replace(LIGHT, **factors).build(batch_norm=False)
        return network.count_params()

    assert size() > size(squeeze=2) > size(squeeze=2, expansion=4)


@both
def test_shapes_of_the_outputs(architecture, image):
    output = architecture.build(batch_norm=True)(image)
    assert output["maps"].shape == (2, 32, 64, 3)
    assert output["size"].shape == (2, 4, 8, 1)


@both
def test_folded_network_is_the_same_function(architecture, image):
    keras.utils.set_random_seed(0)
    network = architecture.build(batch_norm=True)
    rng = np.random.default_rng(1)
    weights = [w + 0.1 * rng.random(w.shape) for w in network.get_weights()]
    network.set_weights(weights)
    folded = architecture.build(batch_norm=False)
    fold_batch_norm(network, folded)
    for name in ("maps", "size"):
        one, two = network(image, training=False)[name], folded(image)[name]
        assert np.abs(one - two).max() < 1e-4 * np.abs(one).max()


def started(smaller, larger):
    """Start a network from a smaller one, see that it gives the same; let it learn a step."""
    parent, network = (one.build(batch_norm=False) for one in (smaller, larger))
    start_from(parent, network)
    image = np.random.default_rng(0).random((1, 64, 64, 3)).astype(np.float32)
    before, after = parent(image), network(image)
    for name in ("maps", "size"):
        np.testing.assert_allclose(after[name], before[name], atol=1e-5)

    def learn():
        maps, size = (before[name].shape[:-1] for name in ("maps", "size"))
        targets = {"maps": np.ones((*maps, 4), "f4"), "size": np.ones((*size, 2), "f4")}
        Learner(network).step(image, targets, 0.1)

    return network, learn


@pytest.mark.usefixtures("eagerly")
def test_added_levels_change_nothing_until_they_learn():
    keras.utils.set_random_seed(0)
    deeper = UNet((*SMALL.widths, 12))
    assert deeper.extends(SMALL)
    assert not SMALL.extends(deeper)
    assert not LIGHT.extends(SMALL)
    network, learn = started(SMALL, deeper)
    learn()
    for name in ("up3", "decoder3_second"):
        assert np.abs(network.get_layer(name).get_weights()[0]).max() > 0


@pytest.mark.usefixtures("eagerly")
def test_wider_decoder_changes_nothing_until_it_learns():
    keras.utils.set_random_seed(0)
    wider = dataclasses.replace(LIGHT, widths=tuple(2 * width for width in LIGHT.widths))
    assert wider.extends(LIGHT)
    assert not LIGHT.extends(wider)
    assert not dataclasses.replace(wider, alpha=2 * LIGHT.alpha).extends(LIGHT)
    assert not dataclasses.replace(wider, squeeze=2).extends(LIGHT)
    network, learn = started(LIGHT, wider)
    kernel = network.get_layer("maps").get_weights()[0]
    new = slice(LIGHT.widths[0], None)
    assert not kernel[:, :, new].any()
    learn()
    assert network.get_layer("maps").get_weights()[0][:, :, new].any()


@pytest.mark.usefixtures("eagerly")
@both
def test_frozen_encoder_keeps_its_weights_until_it_learns_again(architecture, image, targets):
    network = architecture.build(batch_norm=True)

    def changed():
        """Return which kinds of numbers of encoder and decoder a step changes."""
        learner = Learner(network)
        before = [weights.numpy() for weights in network.weights]
        learner.step(image, targets, 0.1)
        layers = {layer.name for layer in network.layers if layer.name.startswith(encoder)}
        return {
            (weights.path.split("/")[0] in layers, weights.path.split("/")[1])
            for weights, old in zip(network.weights, before, strict=True)
            if (weights.numpy() != old).any()
        }

    encoder = architecture.encoder_layers
    names = {"kernel", "gamma", "beta", "moving_mean", "moving_variance"}
    freeze_encoder(network, architecture, True)
    frozen = changed()
    assert {name for inside, name in frozen if inside} == {"moving_mean", "moving_variance"}
    assert {name for inside, name in frozen if not inside} >= names
    freeze_encoder(network, architecture, False)
    assert {name for inside, name in changed() if inside} >= names


@pytest.mark.slow
def test_weights_in_a_row_learn_as_they_do_one_by_one(image, targets, monkeypatch):
    keras.utils.set_random_seed(0)
    monkeypatch.setattr("napari_nucseg.network.learner._WEIGHT_DECAY", 0.1)
    networks = [SMALL.build(batch_norm=True) for _ in range(2)]
    networks[1].set_weights(networks[0].get_weights())
    learner = Learner(networks[0])
    optimizer = keras.optimizers.AdamW(weight_decay=0.1, global_clipnorm=1.0)
    for step in range(1, 4):
        loss = learner.step(image, targets, 1e-2 / step)
        optimizer.learning_rate = 1e-2 / step
        with tf.GradientTape() as tape:
            expected = total_loss(targets, networks[1](image, training=True))
        weights = networks[1].trainable_variables
        optimizer.apply(tape.gradient(expected, [one.value for one in weights]), weights)
        assert loss == pytest.approx(float(expected), rel=1e-4)
    for one, other in zip(*(network.weights for network in networks), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5, err_msg=one.path)


def test_loss_is_least_for_the_truth(two_nuclei):
    source = source_of_labels(two_nuclei)
    ((_, targets),) = batches([[source]], [1], batch_size=1, patch_size=64, seed=(0,), count=1)
    maps = targets["maps"]
    logits = (maps[..., :3] - 0.5) * 20
    right = np.dstack([logits[0, ..., 0], maps[0, ..., 1], logits[0, ..., 2]])[None]
    best = float(maps_loss(maps, right))
    assert best < 0.05 < float(maps_loss(maps, np.zeros_like(right)))
    assert best < float(maps_loss(maps, -right))
    sizes = targets["size"]
    assert float(size_loss(sizes, sizes[..., :1])) == 0


def source_of_labels(labels):
    from napari_nucseg.image.field import Field

    return prepare_field(Field(labels.astype(np.float32), labels=labels))


def test_groups_get_their_shares(two_nuclei):
    grey = source_of_labels(two_nuclei)
    color = dataclasses.replace(grey, plane=np.repeat(grey.plane, 3, -1) * [1, 0, 0])
    images = np.concatenate(
        [
            images
            for images, _ in batches(
                [[grey], [color]], [3, 1], batch_size=20, patch_size=64, seed=(0,), count=5
            )
        ]
    )
    colored = np.abs(images[..., 0] - images[..., 1]).max((1, 2)) > 1e-6
    assert 0.12 < colored.mean() < 0.35


def test_field_without_labels_is_no_source(simulated):
    with pytest.raises(ValueError, match="labels"):
        prepare_field(dataclasses.replace(simulated, labels=None))


def test_weights_that_do_not_fit_the_card_are_refused(tmp_path):
    """Without the warning of Keras, which would leave some of them random."""
    small = SMALL.build(batch_norm=False)
    card = Card("x", architecture=UNet().as_dict())
    model = save_model(card, small.save_weights, tmp_path / "x")
    with pytest.raises(ValueError, match="fit the card"):
        load_network(model)


def test_predictors_are_kept_by_weights_not_by_name(nuclei, tmp_path):
    assert load_predictor(nuclei) is load_predictor(nuclei)
    copy = tmp_path / "nuclei"
    copy.mkdir()
    for file in (CARD_FILE, WEIGHTS_FILE):
        shutil.copyfile(nuclei.folder / file, copy / file)
    assert load_predictor(dataclasses.replace(nuclei, folder=copy)) is not load_predictor(
        nuclei
    )


@pytest.mark.parametrize("load", [load_network, load_predictor])
def test_model_that_was_replaced_after_it_was_loaded_is_refused(tmp_path, load):
    """Labels of one model would be labels with the checksum of another."""
    card = Card("x", architecture=SMALL.as_dict())
    models = []
    for _ in range(2):
        network = SMALL.build(batch_norm=False)
        models.append(save_model(card, network.save_weights, tmp_path / "x"))
        (tmp_path / "x").rename(tmp_path / f"{len(models)}")
    shutil.copytree(tmp_path / "2", tmp_path / "x")
    load(models[1])
    with pytest.raises(ValueError, match="load the model again"):
        load(models[0])


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (17, 33), (64, 64)])
def test_any_shape(nuclei, shape):
    plane = normalize(np.random.default_rng(0).random(shape))
    predictor = load_predictor(nuclei)
    maps = predict_maps(predictor, plane, estimate_diameter(predictor, plane)).values
    assert maps.shape == (*shape, 3)
    assert maps.min() >= 0
    assert maps.max() <= 1


def test_spec_is_that_of_the_card(nuclei):
    spec = load_predictor(nuclei).spec
    assert spec == spec_of(nuclei.card, spec.precision)
    assert (spec.name, spec.weights_sha256) == ("nuclei", nuclei.card.weights_sha256)
    newer = dataclasses.replace(nuclei, card=dataclasses.replace(nuclei.card, version="9"))
    assert load_predictor(newer).spec.version == "9"


def test_resize_keeps_the_mean_and_does_not_touch_what_fits(nuclei):
    predictor = load_predictor(nuclei)
    tiles = np.random.default_rng(0).random((2, 32, 48, 3)).astype(np.float32)
    assert predictor.resize(tiles, (32, 48)) is tiles
    for shape in ((16, 24), (64, 96)):
        resized = predictor.resize(tiles, shape)
        assert resized.shape == (2, *shape, 3)
        assert abs(resized.mean() - tiles.mean()) < 0.01


def test_tiled_equals_whole(nuclei, simulated, monkeypatch):
    plane = normalize(np.tile(simulated.image, (2, 2)))
    predictor = load_predictor(nuclei)
    whole = predict_maps(predictor, plane).values
    monkeypatch.setattr("napari_nucseg.pipeline.maps.CORE", 128)
    tiled = predict_maps(predictor, plane).values
    assert np.abs(tiled - whole).mean() < 5e-4


@pytest.mark.parametrize("zoom", [0.4, 1, 2.5, 6])
def test_diameter_is_estimated_at_any_scale(nuclei, simulated, zoom):
    from scipy import ndimage

    image = ndimage.zoom(simulated.image.astype(np.float32), zoom, order=1)
    true = median_diameter(simulated.labels) * zoom
    found = estimate_diameter(load_predictor(nuclei), normalize(image))
    assert abs(np.log2(found / true)) < 0.35


def test_a_bright_blob_does_not_hide_small_dim_nuclei(nuclei):
    field = simulate_field((384, 384), diameter=12, coverage=0.25, seed=1)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:384, :384]
    blob = np.hypot(y - 190, x - 190) < 55
    image = field.image + np.where(blob, 3.0 * field.image.max(), 0.0)
    image += rng.normal(0, 0.05 * field.image.max(), image.shape)
    found = estimate_diameter(load_predictor(nuclei), normalize(image))
    assert 8 < found < 20


def test_sizes_of_a_wrecked_network_are_still_sizes():
    network = SMALL.build(batch_norm=False)
    network.set_weights([np.full_like(weights, 10.0) for weights in network.get_weights()])
    predictor = KerasPredictor(network, DEFAULT_SPEC)
    found = estimate_diameter(predictor, np.ones((64, 64, 3), np.float32))
    assert NETWORK_DIAMETER < found < np.inf


def test_tissue_is_not_taken_for_a_few_large_nuclei(nuclei):
    plane = normalize(skimage.data.immunohistochemistry())
    assert predict_maps_and_diameter(load_predictor(nuclei), plane)[1] < 40


def test_all_views_together_do_not_know_how_the_image_is_turned(nuclei, simulated):
    predictor = KerasPredictor(load_network(nuclei), DEFAULT_SPEC)
    plane = normalize(simulated.image[:96, :96])

    def maps_of(plane, views):
        return predict_maps(predictor, plane, test_time_augmentations=views).values

    maps = maps_of(plane, 8)
    turned = np.ascontiguousarray(np.rot90(plane)[:, ::-1])
    expected = np.rot90(maps)[:, ::-1]
    np.testing.assert_allclose(maps_of(turned, 8), expected, atol=1e-4)
    assert np.abs(maps_of(turned, 1) - expected).max() > 1e-2
    found = predict_maps_and_diameter(predictor, plane, test_time_augmentations=8)[1]
    assert found == predict_maps_and_diameter(predictor, plane)[1]


def test_weights_file_of_a_bundled_model_is_small(nuclei):
    assert (nuclei.folder / WEIGHTS_FILE).stat().st_size < 13e6


@both
def test_with_bfloat16_maps_are_nearly_the_same_and_weights_stay(architecture):
    keras.utils.set_random_seed(0)
    network = architecture.build(batch_norm=False)
    plane = np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)

    def maps_in(precision):
        spec = dataclasses.replace(DEFAULT_SPEC, precision=precision)
        return predict_maps(KerasPredictor(network, spec), plane).values

    maps = {chosen: maps_in(chosen) for chosen in PRECISIONS}
    assert 0 < np.abs(maps["bfloat16"] - maps["float32"]).mean() < 0.01
    assert {weights.dtype for weights in network.get_weights()} == {np.dtype("float32")}
    set_precision(network, "float32")
    assert (maps_in("float32") == maps["float32"]).all()


@pytest.mark.usefixtures("eagerly")
@both
@pytest.mark.parametrize("batch_norm", [True, False])
def test_network_learns_in_bfloat16_and_tells_in_float32(
    architecture, batch_norm, image, targets
):
    keras.utils.set_random_seed(0)
    network = architecture.build(batch_norm=batch_norm)
    set_precision(network, "bfloat16")
    learner = Learner(network)
    losses = [learner.step(image, targets, 1e-2) for _ in range(4)]
    assert losses[-1] < losses[0]
    assert {str(output.dtype) for output in network(image).values()} == {"<dtype: 'float32'>"}


def test_pixels_without_weight_change_no_loss():
    rng = np.random.default_rng(0)
    true = rng.random((2, 16, 16, 4)).astype(np.float32)
    true[..., 3] = 1
    true[:, 8:, :, 3] = 0
    found = rng.normal(size=(2, 16, 16, 3)).astype(np.float32)
    before = float(maps_loss(true, found))
    true[:, 8:, :, :3], found[:, 8:] = 1 - true[:, 8:, :, :3], 9
    assert float(maps_loss(true, found)) == pytest.approx(before, rel=1e-6)
    assert before == pytest.approx(float(maps_loss(true[:, :8], found[:, :8])), rel=1e-6)
    true[..., 3] = 0
    assert np.isfinite(float(maps_loss(true, found)))


def test_only_what_learns_takes_bfloat16(monkeypatch, nuclei):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    monkeypatch.setattr(precision_module, "_is_fast_in_bfloat16", lambda: True)
    fit = Fit(resolve(Initialization(nuclei)), TrainParameters())
    policies = {layer.dtype_policy.name for layer in fit.network.layers}
    assert policies == {"mixed_bfloat16", "float32"}
    assert fit.predictor.spec.precision == load_predictor(nuclei).spec.precision == "float32"


def test_model_is_loaded_again_for_another_precision(monkeypatch, nuclei):
    for chosen in PRECISIONS:
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        assert load_predictor(nuclei).spec.precision == chosen


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_fork_is_told_that_it_cannot_use_tensorflow(quick_learner):
    """It would wait for the threads of the process that it was forked from."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        call = pool.apply_async(segment, (np.eye(64, dtype=np.float32), quick_learner))
        with pytest.raises(
            RuntimeError, match=r"forked from process \d+.*get_context\('spawn'\)"
        ):
            call.get(timeout=60)


def test_network_that_does_not_fit_into_memory_raises_the_usual_error():
    with pytest.raises(MemoryError, match="no more"), memory_errors():
        raise tf.errors.ResourceExhaustedError(None, None, "no more\nDetails")
