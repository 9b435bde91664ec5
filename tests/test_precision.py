"""How precisely a network calculates."""

import numpy as np
import pytest

from napari_nucseg.network import precision as module
from napari_nucseg.network.architecture import build_network
from napari_nucseg.network.precision import PRECISION_VARIABLE, precision, set_precision
from napari_nucseg.network.predict import Predictor
from napari_nucseg.network.unet import UNet


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags : fpu avx2 avx512_bf16 avx512f\n", "bfloat16"),
        ("flags\t\t: fpu amx_bf16 amx_tile", "bfloat16"),
        ("flags : fpu avx2 avx512f\nbugs : avx512_bf16\n", "float32"),
        ("Features : fp asimd\n", "float32"),
        (None, "float32"),
    ],
)
def test_bfloat16_where_the_processor_has_it(monkeypatch, tmp_path, text, expected):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(module, "_PROCESSOR", path)
    assert precision() == expected


def test_precision_can_be_chosen(monkeypatch):
    for chosen in ("float32", "bfloat16"):
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        assert precision() == chosen
    monkeypatch.setenv(PRECISION_VARIABLE, "int8")
    with pytest.raises(ValueError, match=r"float32, bfloat16, got 'int8'"):
        precision()


def test_with_bfloat16_maps_are_nearly_the_same_and_weights_stay(monkeypatch):
    network = build_network(UNet((4, 6, 8, 10)), batch_norm=False)
    plane = np.random.default_rng(0).random((64, 96, 3)).astype(np.float32)
    maps = {}
    for chosen in ("float32", "bfloat16"):
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        maps[chosen] = Predictor(network).maps(plane)
        assert maps[chosen].dtype == np.float32
    assert 0 < np.abs(maps["bfloat16"] - maps["float32"]).max() < 0.05
    assert {weights.dtype for weights in network.get_weights()} == {np.dtype("float32")}
    set_precision(network, "float32")
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
