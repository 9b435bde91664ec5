"""Average the weights of two models into a new one.

    python tools/mean_of_models.py runs/one runs/other runs/new --validation DATA…

Of a model and another that was trained on from it, the mean is often better than either, and
keeps what the first knew (Wortsman et al., arXiv 2203.05482).
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("before", type=Path, help="folder of a model")
    parser.add_argument("after", type=Path, help="folder of one that was trained on from it")
    parser.add_argument("output", type=Path, help="folder of the new model")
    parser.add_argument(
        "--validation",
        type=Path,
        nargs="+",
        required=True,
        metavar="DATA",
        help="folders with images/ and masks/ to score the new model on",
    )
    options = parser.parse_args(arguments)
    try:
        score = average(options.before, options.after, options.output, options.validation)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"The mean of both is in {options.output}. Its mean AP is {score:.3f}.")


def average(before: Path, after: Path, output: Path, validation: Sequence[Path]) -> float:
    """Save the mean of two models.

    Parameters
    ----------
    before, after : Path
        Folders of two models of one architecture. The card, the history and the curves are
        those of the second.
    output : Path
        Folder of the new model; it must not exist.
    validation : sequence of Path
        Folders of pairs of image and mask.

    Returns
    -------
    float
        Mean AP of the new model on these, per image.

    Raises
    ------
    ValueError
        If the architectures differ, or there is nothing to score.
    OSError
        If a model or the data cannot be read, or the output exists.
    """
    from napari_nucseg.support.atomic import check_new_folder

    # Before TensorFlow is imported and two models are read.
    check_new_folder(output)
    from napari_nucseg.image.pairs import read_fields
    from napari_nucseg.network.precision import precision
    from napari_nucseg.network.predict import KerasPredictor, load_network
    from napari_nucseg.network.score import score_fields
    from napari_nucseg.network.weights_file import write_weights
    from napari_nucseg.pipeline.predictor import DEFAULT_SPEC
    from napari_nucseg.registry.store import load_model, save_model

    first, second = load_model(before), load_model(after)
    if first.card.architecture != second.card.architecture:
        raise ValueError(
            f"Expected two models of one architecture, got {first.card.architecture} and "
            f"{second.card.architecture}."
        )
    fields = read_fields(validation)
    network, other = load_network(first), load_network(second)
    weights = zip(network.get_weights(), other.get_weights(), strict=True)
    network.set_weights([(one + two) / 2 for one, two in weights])
    spec = dataclasses.replace(DEFAULT_SPEC, precision=precision())
    score = score_fields(KerasPredictor(network, spec), fields)
    card = dataclasses.replace(
        second.card,
        created=datetime.date.today().isoformat(),
        training={**second.card.training, "averaged_with": first.card.weights_sha256},
        scores={"held_out_mean_ap": round(score, 6)},
    )

    def write(path: Path) -> None:
        write_weights(network, path)
        for name in ("history.csv", "curves.png"):
            shutil.copyfile(second.folder / name, path.with_name(name))

    save_model(card, write, output)
    return score


if __name__ == "__main__":
    main()
