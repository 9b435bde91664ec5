"""Where a person's own models and corrections live."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

__all__ = [
    "HOME_VARIABLE",
    "new_run_directory",
    "runs_directory",
    "user_directory",
    "window_file",
]

#: Environment variable that names another folder.
HOME_VARIABLE = "NAPARI_NUCSEG_HOME"


def user_directory() -> Path:
    """Return the folder for everything that is kept for the user.

    Returns
    -------
    Path
        What `HOME_VARIABLE` says, or the place the operating system provides.
        It need not exist yet.

    Raises
    ------
    NotADirectoryError
        If `HOME_VARIABLE` names a file.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser().absolute()
        if folder.is_file():
            raise NotADirectoryError(
                f"Expected the environment variable {HOME_VARIABLE} to name a folder, got the "
                f"file {folder}. Correct it, or remove it."
            )
        return folder
    import platformdirs

    return Path(platformdirs.user_data_dir("napari-nucseg", appauthor=False))


def runs_directory() -> Path:
    """Return the folder of the training runs of the window, and those left unfinished.

    Returns
    -------
    Path
        Each has a folder of its own in it. It need not exist yet.
    """
    return user_directory() / "runs"


def new_run_directory() -> Path:
    """Return a new folder for a training run that begins now.

    Returns
    -------
    Path
        In `runs_directory`. It does not exist yet.
    """
    return runs_directory() / uuid.uuid4().hex


def window_file() -> Path:
    """Return the file with what the window remembers between openings.

    Returns
    -------
    Path
        A JSON file. It need not exist yet.
    """
    return user_directory() / "window.json"
