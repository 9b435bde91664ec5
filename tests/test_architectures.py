"""The registry of architectures: a new one is one file, and nothing else changes."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from napari_nucseg import segment, train
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network import architectures
from napari_nucseg.network.architectures import base
from napari_nucseg.network.initialize import DEFAULT_ARCHITECTURE
from napari_nucseg.registry.store import load_model
from napari_nucseg.training.initialization import Initialization

TINY = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}

#: A file such as one would put into the folder of architectures.
THIRD = '''
"""One convolution at half the resolution."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from napari_nucseg.network.architectures.base import Architecture

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class OneConvolution(Architecture):
    """A network that only serves this test."""

    kind = "one convolution"
    summary = "a single convolution"
    encoder_layers = ("stem",)

    widths: tuple[int, ...] = (4,)
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2)
    pools: tuple[tuple[int, str], ...] = ((4, "mean"),)

    def build(self, *, batch_norm: bool) -> keras.Model:
        from napari_nucseg.network.backend import keras, layers
        from napari_nucseg.network.blocks import FromDepth, ToDepth, convolution

        image = keras.Input((None, None, 3), name="image")
        x = ToDepth(name="to_depth")(image)
        x = convolution(x, self.widths[0], self.kernel, batch_norm, "stem")
        maps = FromDepth(name="from_depth")(layers.Conv2D(12, 1, name="maps")(x))
        pooled = layers.AveragePooling2D(4, name="pool")(x)
        size = layers.Conv2D(1, 1, name="size")(pooled)
        return keras.Model(image, {"maps": maps, "size": size}, name="one_convolution")
'''


@pytest.fixture
def third(tmp_path, monkeypatch):
    """The kind of an architecture in a file that was put among the others."""
    monkeypatch.setattr(base, "_KINDS", dict(base._KINDS))
    name = "one_convolution"
    (tmp_path / f"{name}.py").write_text(THIRD)
    monkeypatch.setattr(architectures, "__path__", [*architectures.__path__, str(tmp_path)])
    architectures.discover()
    yield "one convolution"
    del sys.modules[f"{architectures.__name__}.{name}"]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("ignore:.*too few nuclei", "ignore:Even though the")
def test_a_third_architecture_is_trained_saved_loaded_and_used(third, tmp_path):
    assert list(base.kinds()) == ["mobilenetv2", third, "unet"]
    field = simulate_field((64, 96), seed=0)
    initialization = Initialization(architecture=third, widths=[6])
    model = train(field, tmp_path / "new", initialization=initialization, **TINY)
    described = {
        "kind": third,
        "widths": [6],
        "kernel": 3,
        "dilations": [1, 2],
        "pools": [[4, "mean"]],
    }
    assert model.card.architecture == described
    loaded = load_model(tmp_path / "new")
    read = base.read_architecture(loaded.card.architecture)
    assert read == base.kinds()[third]((6,))
    assert read.as_dict() == described
    assert segment(field, loaded).shape == field.shape
    child = train(field, tmp_path / "child", initialization=loaded, **TINY)
    assert child.card.architecture == described
    with pytest.raises(ValueError, match=rf"{third}', the widths \[6\], got \[7\]"):
        train(field, tmp_path / "no", initialization=Initialization(loaded, widths=[7]), **TINY)
    assert child.card.parent_sha256 == model.card.weights_sha256


def test_help_and_errors_name_a_third_architecture(third, capsys):
    from napari_nucseg.cli import main

    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"{third}: a single convolution" in text
    with pytest.raises(ValueError, match=third):
        base.read_architecture({"kind": "lambda"})
    with pytest.raises(ValueError, match=f"out of mobilenetv2, {third}, unet"):
        train("nowhere", "new", initialization=Initialization(architecture="resnet"))


def test_kind_that_is_taken_is_refused(monkeypatch):
    monkeypatch.setattr(base, "_KINDS", dict(base._KINDS))
    with pytest.raises(ValueError, match=r"'unet', which .*unet has registered"):

        @dataclasses.dataclass(frozen=True)
        class Other(base.Architecture):
            kind = "unet"


def test_encoder_that_can_load_nothing_says_so():
    with pytest.raises(ValueError, match="can load weights, got 'unet'"):
        base.kinds()["unet"]().load_encoder()


def test_default_architecture_is_one_of_them():
    architecture = base.kinds()[DEFAULT_ARCHITECTURE]()
    assert architecture.extends(architecture)


def test_descriptions_and_help_do_not_load_tensorflow():
    script = (
        "import sys\n"
        "from napari_nucseg.cli import main\n"
        "try:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "mobilenetv2: a U-Net whose encoder is MobileNetV2" in " ".join(run.stdout.split())


@pytest.mark.parametrize("kind", base.kinds().values(), ids=base.kinds())
def test_network_has_the_outputs_and_names_that_are_promised(kind):
    architecture = kind()
    network = architecture.build(batch_norm=True)
    names = {layer.name for layer in network.layers}
    assert any(name.startswith(architecture.encoder_layers) for name in names)
    norms = {name.removesuffix("_norm") for name in names if name.endswith("_norm")}
    assert norms
    assert norms <= names
    output = network(np.zeros((1, 32, 64, 3), np.float32))
    assert output["maps"].shape == (1, 32, 64, 3)
    assert output["size"].shape == (1, 4, 8, 1)
