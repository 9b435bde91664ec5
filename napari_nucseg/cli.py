"""The command ``nucseg``: the public functions from a shell."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import __version__, api, model_archive, model_store
from .files import LABELS_ENDING, find_images, images_in, read_image, write_labels
from .metrics import Scores
from .parameters import Parameters, kind_of
from .progress import Stopped, check_stop
from .retrain import DEFAULT_PRESET, FINE_TUNE_PRESETS
from .segmentation import SegmentParameters, segment_field
from .start import ARCHITECTURES, IMAGENET, RANDOM, Start
from .terminal import bar, interruptible, reporting
from .train_parameters import TrainParameters
from .training import About

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.

    Returns
    -------
    int
        Exit status: 0 if all went well, 1 after an error, 2 for wrong usage,
        130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    # A name that the terminal's encoding does not know must not end the work, and the log of
    # a cluster is read while it goes on.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    warnings.showwarning = lambda message, *_: print(f"Warning: {message}", file=sys.stderr)
    try:
        return options.run(options)
    except Stopped as error:
        print(error, file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who read the output has seen enough, as `head` does. Python shall not flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, TypeError, ValueError, RuntimeError) as error:
        print(f"nucseg: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nucseg", description="Find cell nuclei in images.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_segment(commands)
    _add_train(commands)
    _add_fine_tune(commands)
    _add_evaluate(commands)
    _add_models(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[Any], int], text: str) -> Any:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _add_segment(commands: Any) -> None:
    command = _command(commands, "segment", _segment, "Find the nuclei in images.")
    command.add_argument("inputs", nargs="+", metavar="INPUT", help="image or folder of images")
    text = f"folder for the labels, <stem>{LABELS_ENDING}.tif; older ones are replaced"
    command.add_argument("--output", required=True, type=Path, metavar="DIR", help=text)
    command.add_argument(
        "--model",
        default=model_store.DEFAULT_MODEL,
        metavar="NAME|DIR",
        help="name or folder of the model (default: %(default)s)",
    )
    _add_parameters(command, SegmentParameters())


def _add_train(commands: Any) -> None:
    command = _command(
        commands, "train", _train, "Train a model, from scratch or on from another one."
    )
    command.add_argument(
        "data",
        nargs="+",
        metavar="DATA",
        help="folder with images/ and masks/; each is a group of images of one kind",
    )
    text = "folder of the new model"
    command.add_argument("--output", required=True, type=Path, metavar="DIR", help=text)
    command.add_argument(
        "--share",
        nargs="+",
        type=float,
        metavar="S",
        help="how often each group is trained on (default: by its number of images)",
    )
    command.add_argument(
        "--validation",
        nargs="+",
        default=(),
        metavar="DATA",
        help="folders only to score on, to choose the best epoch (default: a part is held out)",
    )
    command.add_argument(
        "--model",
        metavar="NAME|DIR",
        help="model whose weights training starts from (default: random weights)",
    )
    command.add_argument(
        "--widths",
        nargs="+",
        type=int,
        metavar="W",
        help="filters at a half, a quarter, ... of the resolution (default: those of the "
        "model, where levels can be added and filters to a decoder, or the usual ones)",
    )
    command.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        help="mobilenetv2: a U-Net with that encoder; --widths are those of its decoder",
    )
    command.add_argument(
        "--encoder-weights",
        metavar="FILE",
        help=f"of keras.applications' MobileNetV2, or {IMAGENET} (downloaded) or {RANDOM}",
    )
    for field in dataclasses.fields(About):
        command.add_argument(
            f"--{field.name.replace('_', '-')}", default="", help="for the model's card"
        )
    _add_parameters(command, TrainParameters())


def _add_fine_tune(commands: Any) -> None:
    command = _command(commands, "fine-tune", _fine_tune, "Fine-tune a model.")
    command.add_argument(
        "data", nargs="+", metavar="DATA", help="folder with images/ and masks/"
    )
    command.add_argument(
        "--model",
        default=model_store.DEFAULT_MODEL,
        metavar="NAME|DIR",
        help="model to start from (default: %(default)s)",
    )
    command.add_argument("--name", required=True, help="name of the new model")
    command.add_argument(
        "--preset",
        choices=FINE_TUNE_PRESETS,
        default=DEFAULT_PRESET,
        help="how many steps, where the options below do not say it (default: %(default)s)",
    )
    _add_parameters(command, TrainParameters(), defaults=False)


def _add_evaluate(commands: Any) -> None:
    command = _command(commands, "evaluate", _evaluate, "Score labels against the truth.")
    command.add_argument("predicted", type=Path, help="label image or folder")
    command.add_argument("truth", type=Path, help="label image or folder")
    command.add_argument("--json", action="store_true", help="print JSON")


def _add_models(commands: Any) -> None:
    text = "List, show, import, export or remove models."
    parser = commands.add_parser("models", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _command(actions, "list", _list_models, "List all models.")
    show = _command(actions, "show", _show_model, "Show the card of a model.")
    show.add_argument("model", metavar="NAME|DIR")
    show.add_argument("--json", action="store_true", help="print the whole card as JSON")
    take = _command(actions, "import", _import_model, "Take a model from a zip or folder.")
    take.add_argument("path", type=Path)
    take.add_argument("--name", help="another name for it")
    give = _command(actions, "export", _export_model, "Write a model to a zip file.")
    give.add_argument("model", metavar="NAME|DIR")
    give.add_argument("destination", type=Path)
    remove = _command(actions, "remove", _remove_model, "Remove one of your own models.")
    remove.add_argument("model", metavar="NAME")


def _add_parameters(command: Any, parameters: Parameters, *, defaults: bool = True) -> None:
    """Add an option for each parameter of a parameter object."""
    for field in dataclasses.fields(parameters):
        about = field.metadata["description"]
        if field.metadata["unit"]:
            about += f" In {field.metadata['unit']}."
        if defaults and field.default is not None:
            about += f" Default: {field.default}."
        command.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind_of(field),
            default=argparse.SUPPRESS,
            metavar="N",
            help=about,
        )


def _given(options: Any, kind: type) -> dict[str, Any]:
    """Return the parameters that were given on the command line."""
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def _segment(options: Any) -> int:
    parameters = SegmentParameters(**_given(options, SegmentParameters))
    model = model_store.load_model(options.model)
    inputs = find_images(options.inputs)
    names = _output_names(inputs)
    _make_folder(options.output)
    failed = 0
    with interruptible() as should_stop, bar(len(inputs), "image") as images:
        _load(model)
        for path, name in zip(inputs, names, strict=True):
            check_stop(should_stop)
            try:
                field = read_image(path)
                result = segment_field(field, model, parameters, should_stop=should_stop)
                write_labels(options.output / name, result.labels, field)
            except Stopped:
                raise
            except Exception as error:  # whatever is wrong with one, the rest go on
                failed += 1
                text = str(error) or type(error).__name__
                about = "" if str(path) in text else f"{path}: "
                images.write(f"nucseg: {about}{text}", file=sys.stderr)
            else:
                images.write(f"{options.output / name}: {result.labels.max()} nuclei")
            images.update()
    if failed:
        print(f"Failed: {failed} of {len(inputs)}.", file=sys.stderr)
    return 1 if failed else 0


def _load(model: model_store.Model) -> None:
    """Load the network first: what is wrong with it need not be said of every image."""
    from .network.predict import load_predictor

    load_predictor(model)


def _make_folder(folder: Path) -> None:
    """Make the folder for the labels first: what cannot be written need not be computed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".nucseg-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        got = "the file" if folder.is_file() else f"{error.strerror} for"
        raise NotADirectoryError(
            f"Expected a folder that labels can be written to, got {got} {folder}. Name "
            f"another one; it is made if it is not there."
        ) from error


def _output_names(inputs: Sequence[Path]) -> list[str]:
    """Name the outputs, and refuse inputs that would overwrite each other's."""
    names = [f"{path.stem}{LABELS_ENDING}.tif" for path in inputs]
    for name in names:
        if names.count(name) > 1:
            clash = [
                str(path) for path, other in zip(inputs, names, strict=True) if other == name
            ]
            raise ValueError(
                f"Expected images of different names, got {' and '.join(clash)}, which "
                f"would both become {name}. Give them one at a time, each with an --output of "
                f"its own."
            )
    return names


def _train(options: Any) -> int:
    about = {field.name: getattr(options, field.name) for field in dataclasses.fields(About)}
    about["name"] = about["name"] or options.output.name
    parent = model_store.load_model(options.model) if options.model else None
    start = Start(parent, options.architecture, options.widths, options.encoder_weights)
    with interruptible() as should_stop:
        try:
            model = api.train(
                options.data,
                options.output,
                about=About(**about),
                shares=options.share,
                validation=options.validation,
                start=start,
                should_stop=should_stop,
                **reporting(),
                **_given(options, TrainParameters),
            )
        except Stopped as error:
            raise Stopped(
                "Stopped. The same command goes on after the last finished epoch, if any."
            ) from error
    score = model.card.scores["held_out_mean_ap"]
    print(
        f"Model {model.card.name!r} is in {model.folder}. On images that it was not trained on "
        f"its mean AP is {score:.3f}."
    )
    return 0


def _fine_tune(options: Any) -> int:
    with interruptible() as should_stop:
        result = api.fine_tune(
            options.data,
            options.name,
            options.model,
            preset=options.preset,
            should_stop=should_stop,
            **reporting(),
            **_given(options, TrainParameters),
        )
    print(
        f"Model {result.name!r} is in {result.path}. On the held-out part it scores "
        f"{result.score:.3f}, its parent {result.parent!r} {result.parent_score:.3f}."
    )
    if not result.better:
        print(f"It scores lower than its parent: keep using {result.parent!r}.")
    return 0


def _evaluate(options: Any) -> int:
    predicted, truth = _matching(options.predicted, options.truth)
    scores = api.evaluate(predicted, truth)
    print(json.dumps(scores.as_dict(), indent=2) if options.json else _table(scores))
    return 0


def _matching(predicted: Path, truth: Path) -> tuple[list[Path], list[Path]]:
    """Pair the label images of two folders by name."""
    for path in (predicted, truth):
        if not path.exists():
            raise FileNotFoundError(f"Expected labels at {path}, got nothing.")
    if not (predicted.is_dir() and truth.is_dir()):
        return [predicted], [truth]
    first, second = (
        {path.stem.removesuffix(LABELS_ENDING): path for path in images_in(folder)}
        for folder in (predicted, truth)
    )
    if not second:
        raise FileNotFoundError(f"Expected images of true labels in {truth}, got none.")
    missing = sorted(set(second) - set(first))
    if missing:
        raise FileNotFoundError(
            f"Expected predicted labels in {predicted} for each of {len(second)} true ones in "
            f"{truth}, got none for {len(missing)}: {', '.join(missing[:5])}. Give both the "
            f"same name; {LABELS_ENDING} may follow it."
        )
    names = sorted(second)
    return [first[name] for name in names], [second[name] for name in names]


def _table(scores: Scores) -> str:
    """Write the scores for people."""
    rows = [
        f"{scores.images} images, {scores.predicted} nuclei found, {scores.true} true",
        "",
    ]
    rows.append("IoU at least  " + " ".join(f"{at:5.2f}" for at in scores.ap_pooled))
    for name, values in (
        ("pooled", scores.ap_pooled),
        ("per image", scores.ap_per_image),
    ):
        rows.append(f"AP {name:<10} " + " ".join(f"{ap:5.3f}" for ap in values.values()))
    rows += [
        "",
        f"mean AP (per image)  {scores.mean_ap:.3f}",
        f"F1 at IoU 0.5        {scores.f1:.3f}",
        f"panoptic quality     {scores.panoptic_quality:.3f}",
        f"Dice                 {scores.dice:.3f}",
        f"IoU                  {scores.iou:.3f}",
    ]
    return "\n".join(rows)


def _list_models(options: Any) -> int:
    for model in model_store.list_models():
        origin = "bundled" if model.bundled else f"from {model.card.parent or 'scratch'}"
        print(f"{model.card.name:<24} {origin:<24} {model.card.description}")
    return 0


def _show_model(options: Any) -> int:
    model = model_store.load_model(options.model)
    card = dataclasses.asdict(model.card)
    if options.json:
        print(json.dumps(card, indent=2, ensure_ascii=False))
        return 0
    scores = {name.replace("_", " "): value for name, value in card["scores"].items()}
    texts = {
        name.replace("_", " "): value
        for name, value in card.items()
        if value and type(value) is str
    }
    for name, value in {**texts, **scores, "folder": model.folder}.items():
        print(f"{name + ':':<20} {value}")
    return 0


def _import_model(options: Any) -> int:
    model = model_archive.import_model(options.path, options.name)
    print(f"Model {model.card.name!r} is in {model.folder}.")
    return 0


def _export_model(options: Any) -> int:
    print(f"Wrote {model_archive.export_model(options.model, options.destination)}.")
    return 0


def _remove_model(options: Any) -> int:
    model_store.remove_model(options.model)
    print(f"Removed {options.model!r}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
