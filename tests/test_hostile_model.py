"""A model of a stranger can neither run code nor read files, even with a right checksum."""

import json
import pickle
import shutil

import h5py
import numpy as np
import pytest

from napari_nucseg import import_model
from napari_nucseg.network.predict import load_network, load_predictor
from napari_nucseg.registry.store import (
    CARD_FILE,
    WEIGHTS_FILE,
    load_model,
    models_directory,
)
from napari_nucseg.registry.weights import checksum


class Payload:
    """What makes a file when it is unpickled."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return (open, (str(self._path), "w"))


@pytest.fixture
def folder(quick_learner, tmp_path):
    """A folder with a copy of a model, to be spoiled."""
    return shutil.copytree(quick_learner, tmp_path / "hostile")


def sign(folder, **values):
    """Write a card that belongs to the spoiled weights, with other values."""
    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    card |= {"weights_sha256": checksum(folder / WEIGHTS_FILE), **values}
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")


def first_weights(file):
    """Return the name and the values of the first array in a file of weights."""
    names = []
    file.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
    return names[0], file[names[0]][()]


def external_link(file, name, values, folder):
    with h5py.File(folder.parent / "secret.h5", "w") as secret:
        secret["values"] = values
    del file[name]
    file[name] = h5py.ExternalLink(str(folder.parent / "secret.h5"), "values")


def soft_link(file, name, values, folder):
    file["values"] = values
    del file[name]
    file[name] = h5py.SoftLink("/values")


def external_storage(file, name, values, folder):
    (folder.parent / "secret").write_bytes(values.tobytes())
    del file[name]
    external = [(str(folder.parent / "secret"), 0, values.nbytes)]
    file.create_dataset(name, values.shape, values.dtype, external=external)


def virtual(file, name, values, folder):
    with h5py.File(folder.parent / "secret.h5", "w") as secret:
        secret["values"] = values
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(folder.parent / "secret.h5", "values", values.shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


def loop(file, name, values, folder):
    file["again"] = file["/"]


def soft_link_to_itself(file, name, values, folder):
    file["round"] = h5py.SoftLink("/round")


def named_type(file, name, values, folder):
    file["type"] = np.dtype("f4")


def compressed(file, name, values, folder):
    file.create_dataset("bomb", (1000, 1000), "f4", compression="gzip", fillvalue=1)


def never_written(file, name, values, folder):
    file.create_dataset("large", (10**6, 10**6), "f4")


def never_written_in_chunks(file, name, values, folder):
    file.create_dataset("large", (10**6, 10**6), "f4", chunks=(64, 64))


def empty_space(file, name, values, folder):
    file["empty"] = h5py.Empty("f4")


def deep(file, name, values, folder):
    file.create_group("/".join("a" * 100))


def not_a_number(file, name, values, folder):
    file[name][...] = np.nan


def endless(file, name, values, folder):
    file[name][...] = np.inf


def complex_number(file, name, values, folder):
    file["complex"] = np.zeros(2, np.complex64)


def reference(file, name, values, folder):
    file["reference"] = file.ref


def odd_name(file, name, values, folder):
    file[b"\xff\xfe"] = h5py.SoftLink("/values")


def text(file, name, values, folder):
    file["config"] = '{"class_name": "Lambda"}'


def payload(file, name, values, folder):
    file["config"] = np.void(pickle.dumps(Payload(folder.parent / "made")))


def test_copied_model_is_loaded_as_long_as_nobody_spoils_it(folder):
    sign(folder)
    assert load_network(load_model(folder)).count_params() > 0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (external_link, "Expected no links"),
        (soft_link, "Expected no links"),
        (external_storage, "Expected only numbers"),
        (virtual, "Expected only numbers"),
        (soft_link_to_itself, "Expected no links"),
        (loop, "Expected no loops"),
        (named_type, "got a type at 'type'"),
        (compressed, r"Expected all numbers .* at '/bomb'"),
        (never_written, r"got 0 bytes for the shape \(1000000, 1000000\)"),
        (never_written_in_chunks, "got 0 bytes"),
        (empty_space, "Expected all numbers"),
        (deep, "at most 16 levels"),
        (not_a_number, "Expected only finite numbers"),
        (endless, "Expected only finite numbers"),
        (complex_number, "got complex64"),
        (reference, "Expected only numbers"),
        (odd_name, "Expected"),
        (text, "Expected only numbers"),
        (payload, "Expected only numbers"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_with_anything_but_numbers_are_refused(folder, spoil, says):
    with h5py.File(folder / WEIGHTS_FILE, "a") as file:
        spoil(file, *first_weights(file), folder)
    sign(folder)
    with pytest.raises(ValueError, match=says):
        load_network(load_model(folder))
    assert not (folder.parent / "made").exists()


def test_pickle_in_place_of_weights_is_not_unpickled(folder):
    made = folder.parent / "made"
    (folder / WEIGHTS_FILE).write_bytes(pickle.dumps(Payload(made)))
    sign(folder)
    with pytest.raises(ValueError, match="Expected HDF5 weights"):
        load_network(load_model(folder))
    assert not made.exists()
    pickle.loads((folder / WEIGHTS_FILE).read_bytes()).close()
    assert made.exists()  # so it would have been seen


@pytest.mark.parametrize(
    "architecture",
    [
        {"kind": "lambda", "function": "os.system"},
        {"kind": "napari_nucseg.cli:main"},
        {"kind": "unet", "widths": [4, 6, 8, 10], "build": "print"},
        {"class_name": "Lambda", "config": {}},
    ],
)
def test_card_of_an_unknown_architecture_is_refused(folder, architecture):
    sign(folder, architecture=architecture)
    with pytest.raises(ValueError, match="Expected"):
        load_network(load_model(folder))


def test_card_that_names_other_maps_than_the_network_has(folder):
    sign(folder, spec={"maps": ["foreground", "distance"]})
    with pytest.raises(ValueError, match=r"2 maps foreground, distance, .* got one with 3"):
        load_predictor(load_model(folder))


@pytest.mark.parametrize(
    "values",
    [
        {"widths": [10**9] * 4},
        {"widths": [4, 6, 8, 12]},
        {"widths": [4, 6, 8]},
        {"widths": [True, 6, 8, 10]},
        {"widths": [4, 6, 8, float("inf")]},
    ],
    ids=lambda values: str(values["widths"])[:24],
)
def test_import_builds_the_network_before_it_is_accepted(folder, values):
    sign(folder, architecture={"kind": "unet", **values})
    with pytest.raises(ValueError, match="Expected"):
        import_model(folder, "evil")
    assert not models_directory().exists() or not list(models_directory().iterdir())


def test_import_segments_a_small_field_before_it_is_accepted(folder):
    sign(folder)
    assert import_model(folder, "good").card.name == "good"
    sign(folder, spec={"stride": 5})  # the network needs multiples of 16
    with pytest.raises(ValueError, match="Expected a model that segments an image, got"):
        import_model(folder, "evil")
    assert [path.name for path in models_directory().iterdir()] == ["good"]
