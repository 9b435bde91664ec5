"""Rename, remove and restore the user's own models."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shutil
import uuid

from ..support import new_folder
from .card import CARD_FILE, read_card, write_card
from .store import Model, check_new_name, free_name, list_models, load_model, models_directory

__all__ = ["remove_model", "removed_models", "rename_model", "restore_model"]

#: Folder of the models that were removed. Its name begins with a dot: it is no model.
_REMOVED = ".removed"


def rename_model(name: str, new_name: str) -> Model:
    """Give one of the user's own models another name.

    Models that were fine-tuned from it know it by its weights, not by its name.

    Parameters
    ----------
    name : str
        Its name.
    new_name : str
        The new name.

    Returns
    -------
    Model
        The same model in the folder of the new name.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If it is a bundled one, is damaged, or the new name cannot be one.
    FileExistsError
        If there is a model of the new name.
    OSError
        If it cannot be written; the model is as before.
    """
    before = _own(name, "renamed")
    check_new_name(new_name)
    card = dataclasses.replace(load_model(before.folder).card, name=new_name)
    folder = models_directory() / new_name
    with new_folder(folder) as aside:
        for file in before.folder.iterdir():
            if file.is_file() and file.name != CARD_FILE:
                shutil.copyfile(file, aside / file.name)
        write_card(card, aside / CARD_FILE)
    # Whoever dies here leaves the model twice, never not at all.
    shutil.rmtree(_set_aside(before).folder, ignore_errors=True)
    return Model(card, folder)


def remove_model(name: str) -> Model:
    """Remove one of the user's own models; `restore_model` brings it back.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Model
        What was removed, in the folder where it is kept.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If it is a bundled one.
    OSError
        If it cannot be moved.
    """
    return _set_aside(_own(name, "removed"))


def removed_models() -> list[Model]:
    """List the models that were removed and are kept.

    Returns
    -------
    list of Model
        The one that was removed last comes last.
    """
    found = []
    for path in (models_directory() / _REMOVED).glob(f"*/{CARD_FILE}"):
        try:
            found.append((path.parent.stat().st_mtime, Model(read_card(path), path.parent)))
        except (OSError, ValueError):
            continue
    return [model for _, model in sorted(found, key=lambda pair: (pair[0], pair[1].folder))]


def restore_model(name: str) -> Model:
    """Bring a model back that was removed.

    Parameters
    ----------
    name : str
        The name it had. Of several, the one that was removed last comes back.

    Returns
    -------
    Model
        The model; with a number after its name if there is another one by now.

    Raises
    ------
    FileNotFoundError
        If no such model was removed.
    OSError
        If it cannot be moved.
    """
    kept = removed_models()
    same = [model for model in kept if model.card.name == name]
    if not same:
        names = ", ".join(dict.fromkeys(model.card.name for model in kept)) or "none"
        raise FileNotFoundError(
            f"Expected the name of a model that was removed, got {name!r}. There are: {names}."
        )
    model = same[-1]
    card = dataclasses.replace(model.card, name=free_name(name))
    if card.name != name:
        write_card(card, model.folder / CARD_FILE)
    folder = models_directory() / card.name
    os.rename(model.folder, folder)
    return Model(card, folder)


def _own(name: str, done: str) -> Model:
    """Return one of the user's own models."""
    for model in list_models():
        if model.card.name == name:
            if model.bundled:
                raise ValueError(
                    f"Expected one of your own models, got {name!r}, which came with "
                    f"napari-nucseg and stays."
                )
            return model
    raise FileNotFoundError(
        f"Expected the name of a model, got {name!r}. Nothing was {done}; 'nucseg models list' "
        f"shows the names."
    )


def _set_aside(model: Model) -> Model:
    """Keep a model where nobody lists it."""
    now = datetime.datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    kept = models_directory() / _REMOVED / f"{model.card.name} {now} {uuid.uuid4().hex[:6]}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.rename(model.folder, kept)
    os.utime(kept)
    return Model(model.card, kept)
