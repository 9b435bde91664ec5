"""The images under File > Open Sample."""

import numpy as np
import skimage.data
from napari.utils.notifications import notification_manager

NOWHERE = "http://127.0.0.1:9"


def test_tissue(make_napari_viewer):
    (layer,) = make_napari_viewer().open_sample("napari-nucseg", "tissue")
    assert layer.rgb
    assert layer.data.shape == (512, 512, 3)


def test_simulated_image_and_its_truth(make_napari_viewer):
    viewer = make_napari_viewer()
    truth, image = viewer.open_sample("napari-nucseg", "simulated")
    assert list(viewer.layers) == [truth, image]
    assert not truth.visible
    assert truth.data.shape == image.data.shape
    assert truth.data.max() > 50
    assert (truth.data > 0).mean() > 0.15
    assert (truth.scale == image.scale).all()
    assert truth.units == image.units
    assert str(image.units[0]) == "micrometer"


def test_mitosis_needs_the_internet(make_napari_viewer, monkeypatch, qtbot):
    # The download goes through a proxy that is not there; scikit-image would skip the test.
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("NO_PROXY", "no_proxy", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    viewer = make_napari_viewer()
    heard = len(notification_manager.records)
    (layer,) = viewer.open_sample("napari-nucseg", "mitosis")
    assert "downloading" in layer.name

    def messages():
        return [str(record.message) for record in notification_manager.records[heard:]]

    qtbot.waitUntil(lambda: len(messages()) > 1, timeout=60_000)
    assert "Downloading" in messages()[0]
    assert "this sample needs the internet" in messages()[1]
    assert len(viewer.layers) == 0


def test_mitosis_is_shown_when_it_has_arrived(make_napari_viewer, monkeypatch, qtbot):
    image = np.arange(512 * 512, dtype=np.uint8).reshape(512, 512)
    monkeypatch.setattr(skimage.data, "human_mitosis", lambda: image)
    viewer = make_napari_viewer()
    (layer,) = viewer.open_sample("napari-nucseg", "mitosis")
    qtbot.waitUntil(lambda: layer.name == "human mitosis")
    assert (layer.data == image).all()
    assert layer.contrast_limits == [0, 255]
    assert list(viewer.layers) == [layer]
