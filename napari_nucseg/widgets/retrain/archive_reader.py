"""Files dropped on napari: a model or a training set that somebody gave away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info

from ...network import resolve
from ...registry import Model, check_model_name, free_name, import_model, is_model_archive
from ...training import Initialization, import_set, is_set_archive

__all__ = ["get_reader", "import_archive"]

#: What napari takes for a file that gives no layers.
_NO_LAYERS: list[tuple[None]] = [(None,)]


def get_reader(path: str | list[str]) -> Callable[..., Any] | None:
    """Tell napari whether a file is ours.

    Parameters
    ----------
    path : str or list of str
        The file.

    Returns
    -------
    callable or None
        What reads it; None for a zip file of something else.
    """
    if isinstance(path, str) and (is_model_archive(path) or is_set_archive(path)):
        return _read
    return None


def _read(path: str | list[str], *_: Any) -> list[tuple[None]]:
    for one in [path] if isinstance(path, str) else path:
        show_info(import_archive(one))
    return _NO_LAYERS


def import_archive(path: str | Path) -> str:
    """Take a model or a training set from a zip file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        What was taken, in a sentence.

    Raises
    ------
    ValueError, OSError
        If it is damaged, contains other files, or cannot be written.
    """
    if is_model_archive(path):
        name = import_model(path, _name_of(Path(path).stem), _check_network).card.name
        return f"Imported the model {name!r}. Choose it in part 1 to use it."
    training_set = import_set(path)
    return (
        f"Imported the training set {training_set.name!r} with {len(training_set)} fields. "
        f"Choose it in part 2."
    )


def _check_network(model: Model) -> None:
    """Check what a card says of the network; the window does not wait until it is built."""
    resolve(Initialization(model))


def _name_of(stem: str) -> str:
    """Return a free name for a model in a file."""
    try:
        return free_name(check_model_name(stem))
    except ValueError:
        return free_name("imported model")
