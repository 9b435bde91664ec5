"""The tool that averages the weights of two models."""

import numpy as np
import pytest

from napari_nucseg.network.architectures.unet import UNet
from napari_nucseg.network.predict import load_network
from napari_nucseg.registry.store import Card, load_model, save_model
from napari_nucseg.training.history import write_history


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("mean_of_models")


def model(folder, value, widths=(4, 4, 4, 4)):
    architecture = UNet(widths)

    def write(path):
        network = architecture.build(batch_norm=False)
        network.set_weights([np.full_like(w, value) for w in network.get_weights()])
        network.save_weights(path)
        write_history(path.with_name("history.csv"), [])
        path.with_name("curves.png").write_bytes(b"")

    return save_model(Card(folder.name, architecture=architecture.as_dict()), write, folder)


def arguments(folder, pairs):
    models = [str(folder / name) for name in ("before", "after", "new")]
    return [*models, "--validation", str(pairs)]


def test_weights_are_the_mean_and_the_card_tells_of_what(tool, pairs, tmp_path):
    before, after = model(tmp_path / "before", 0.0), model(tmp_path / "after", 0.5)
    tool.main(arguments(tmp_path, pairs))
    new = load_model(tmp_path / "new")
    assert all((weights == 0.25).all() for weights in load_network(new).get_weights())
    assert new.card.name == after.card.name
    assert new.card.training["averaged_with"] == before.card.weights_sha256
    assert 0 <= new.card.scores["held_out_mean_ap"] <= 1


def test_models_of_two_architectures_have_no_mean(tool, pairs, tmp_path, capsys):
    model(tmp_path / "before", 0.0)
    model(tmp_path / "after", 0.5, (4, 4, 4, 6))
    with pytest.raises(SystemExit):
        tool.main(arguments(tmp_path, pairs))
    assert "one architecture" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_model_that_is_there_stays(tool, pairs, tmp_path, capsys):
    for name in ("before", "after", "new"):
        model(tmp_path / name, 0.0)
    card = (tmp_path / "new" / "model.json").read_bytes()
    with pytest.raises(SystemExit):
        tool.main(arguments(tmp_path, tmp_path / "no data is read"))
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "new" / "model.json").read_bytes() == card
