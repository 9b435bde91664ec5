"""How precisely a network calculates."""

import pytest

from napari_nucseg.network import precision as module
from napari_nucseg.network.backend import tf
from napari_nucseg.network.precision import PRECISION_VARIABLE, precision


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
def test_training_takes_bfloat16_if_it_is_fast(monkeypatch, tmp_path, text, expected):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(module, "_PROCESSOR", path)
    assert precision(training=True) == expected
    assert precision() == "float32"


def test_precision_can_be_chosen(monkeypatch):
    for chosen in ("float32", "bfloat16"):
        monkeypatch.setenv(PRECISION_VARIABLE, chosen)
        assert precision() == precision(training=True) == chosen
    monkeypatch.setenv(PRECISION_VARIABLE, "int8")
    with pytest.raises(ValueError, match=r"float32, bfloat16, got 'int8'"):
        precision()


@pytest.mark.parametrize("setting", ["oneDNN off", "graphics card"])
def test_bfloat16_only_where_the_processor_calculates(monkeypatch, tmp_path, setting):
    monkeypatch.delenv(PRECISION_VARIABLE, raising=False)
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16")
    monkeypatch.setattr(module, "_PROCESSOR", tmp_path / "cpuinfo")
    if setting == "oneDNN off":
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    else:
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert precision(training=True) == "float32"
