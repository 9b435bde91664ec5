"""Files of weights: what Keras reads, and no crash if the disk is full."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from napari_nucseg.network.architectures.mobilenetv2 import MobileNetUNet
from napari_nucseg.network.architectures.unet import UNet
from napari_nucseg.network.learner import Learner
from napari_nucseg.network.weights_file import write_weights

SMALL = UNet((4, 6, 8, 10))


def contents(path):
    import h5py

    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if hasattr(item, "shape") else None
            )
        )
    return found


@pytest.mark.parametrize(
    ("architecture", "batch_norm"),
    [(SMALL, True), (MobileNetUNet(), False)],
    ids=["unet", "mobilenetv2"],
)
def test_file_holds_what_keras_writes_under_the_same_names(tmp_path, architecture, batch_norm):
    network = architecture.build(batch_norm=batch_norm)
    ours, theirs = tmp_path / "ours.weights.h5", tmp_path / "theirs.weights.h5"
    write_weights(network, ours)
    network.save_weights(theirs)
    one, two = contents(ours), contents(theirs)
    assert one.keys() == two.keys()
    assert all((one[name] == two[name]).all() for name in one)


def test_keras_reads_weights_and_the_state_of_the_optimizer(tmp_path):
    network, other = (SMALL.build(batch_norm=True) for _ in range(2))
    for one in (network, other):
        Learner(one)
    for number, variable in enumerate(network.optimizer.variables):
        variable.assign(np.full(variable.shape, number, variable.dtype))
    write_weights(network, tmp_path / "a.weights.h5")
    other.load_weights(tmp_path / "a.weights.h5")
    pairs = (
        (network.get_weights(), other.get_weights()),
        (network.optimizer.variables, other.optimizer.variables),
    )
    for ours, theirs in pairs:
        for one, two in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the size of files")
def test_full_disk_is_an_error_and_the_process_ends_well(tmp_path):
    """The operating system limits the size of files, as a full disk would."""
    script = """
        import functools, resource, signal
        from pathlib import Path
        from napari_nucseg.network.architectures.unet import UNet
        from napari_nucseg.network.weights_file import write_weights
        from napari_nucseg.registry import Card, save_model

        network = UNet((4, 6, 8, 10)).build(batch_norm=False)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            save_model(Card("new"), functools.partial(write_weights, network), Path("new"))
        except OSError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "Nothing was written. Check that the disk has room" in run.stdout
    assert list(tmp_path.iterdir()) == []
