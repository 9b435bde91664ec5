"""Small helpers for all other wings: atomic files, paths, parameters, text, callbacks."""

from .atomic import (
    check_new_file,
    check_new_folder,
    is_old,
    new_file,
    new_folder,
    remove_leftovers,
)
from .callbacks import Callbacks, Epoch, ShouldStop, Stopped
from .json_file import depth_of, parse_object, read_object
from .lock import locked
from .memory import check_memory
from .parameters import (
    FormRow,
    Parameter,
    Parameters,
    from_keywords,
    parameter,
    parameters_of,
)
from .paths import new_run_directory, runs_directory, user_directory, window_file
from .process import is_running, process_stamp
from .text import duration, pluralize, some_of
from .version import __version__
from .warn import warn_user
from .zip_file import reading_zip

__all__ = [
    "Callbacks",
    "Epoch",
    "FormRow",
    "Parameter",
    "Parameters",
    "ShouldStop",
    "Stopped",
    "__version__",
    "check_memory",
    "check_new_file",
    "check_new_folder",
    "depth_of",
    "duration",
    "from_keywords",
    "is_old",
    "is_running",
    "locked",
    "new_file",
    "new_folder",
    "new_run_directory",
    "parameter",
    "parameters_of",
    "parse_object",
    "pluralize",
    "process_stamp",
    "read_object",
    "reading_zip",
    "remove_leftovers",
    "runs_directory",
    "some_of",
    "user_directory",
    "warn_user",
    "window_file",
]
