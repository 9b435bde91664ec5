"""Labels in a NumPy file, as Cellpose keeps them, without running what else is in it.

Cellpose pickles a dictionary. To read a pickle is to run a program, so here it may only make
what a mask needs: plain containers, numbers, texts, and arrays of numbers. Even these are not
made by NumPy's own functions for it, which trust what they read.
"""

from __future__ import annotations

import math
import os
import pickle
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

__all__ = ["read_numpy_labels"]

_MASKS = "masks"
#: Kinds of numbers in arrays, with their byte order in front or not.
_NUMBERS = "biufc"


def read_numpy_labels(path: Path) -> np.ndarray:
    """Read labels.

    Parameters
    ----------
    path : Path
        A ``.npy`` with an array, or Cellpose's ``_seg.npy``.

    Returns
    -------
    ndarray of numbers
        As in the file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds something else, or would run a program.
    """
    with open(path, "rb") as file:
        try:
            shape, dtype = _read_header(file)
            if not dtype.hasobject:
                _check_size(file, shape, dtype)
                file.seek(0)
                return np.lib.format.read_array(file, allow_pickle=False)
        except Exception as error:  # NumPy raises what it comes across
            raise ValueError(f"it is no NumPy file, or is damaged: {error}") from error
        content = _unpickle(file)
    found = content.get(_MASKS) if isinstance(content, dict) else None
    if isinstance(found, _Array):
        found = found.array
    if not isinstance(found, np.ndarray):
        raise ValueError(f"it has no array {_MASKS!r}, as files of Cellpose have")
    return found


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read up to the data, and return their shape and dtype."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype


def _check_size(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Check, before memory is taken, that there are as many data as declared."""
    declared = math.prod(shape) * dtype.itemsize
    stored = os.fstat(file.fileno()).st_size - file.tell()
    if min(shape, default=0) < 0 or declared > stored:
        raise ValueError(f"{declared} bytes of data are declared, but {stored} are stored")


def _unpickle(file: BinaryIO) -> Any:
    try:
        content = _Unpickler(file, encoding="latin1").load()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except MemoryError as error:
        raise ValueError("it asks for more memory than there is") from error
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"it cannot be unpickled safely: {error}") from error
    # NumPy puts an object into an array without axes.
    if isinstance(content, _Array):
        content = content.value
        while isinstance(content, list) and len(content) == 1:
            (content,) = content
    return content


class _Dtype:
    """Stands for a dtype of numbers, or of objects."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = code
        self.order: Literal["<", ">", "="] = "="

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        """Return the dtype, if it is one of numbers."""
        code = self.code
        if not (isinstance(code, str) and code[:1] in _NUMBERS and code[1:].isdigit()):
            raise pickle.UnpicklingError(f"there is an array of the type {str(code)[:20]!r}")
        return np.dtype(code).newbyteorder(self.order)


class _Array:
    """Stands for an array while it is read. Those that hold no numbers stay as they are."""

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray | None = None
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, data = state
        if isinstance(data, list):
            self.value = data
        elif isinstance(kind, _Dtype) and str(kind.code)[:1] in _NUMBERS:
            self.array = _from_bytes(data, kind, shape, "F" if is_fortran else "C")


def _from_bytes(data: Any, kind: Any, shape: Any, order: Literal["C", "F"]) -> np.ndarray:
    if isinstance(data, str):  # of Python 2
        data = data.encode("latin1")
    if not isinstance(data, bytes | bytearray) or not isinstance(kind, _Dtype):
        raise pickle.UnpicklingError("there is an array without numbers in it")
    return np.frombuffer(bytes(data), kind.dtype()).reshape(shape, order=order)


def _array_from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    return _from_bytes(data, kind, shape, "F" if order == "F" else "C")


def _scalar(kind: Any, data: Any = b"") -> Any:
    if isinstance(kind, _Dtype) and str(kind.code)[:1] in _NUMBERS:
        return _from_bytes(data, kind, (), "C")[()]
    return None


def _encode(text: str, encoding: str = "") -> bytes:
    """Return bytes that old versions of pickle write as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"there is a text in {str(encoding)[:20]!r}")
    return text.encode("latin1")


#: What a pickle may ask for, and what it is given for that.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): dict,
    **{
        (f"numpy.{core}.{module}", name): made
        for core in ("core", "_core")
        for module, name, made in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _array_from_buffer),
        )
    },
}


class _Unpickler(pickle.Unpickler):
    """Makes plain containers and arrays of numbers only."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may use.

        Parameters
        ----------
        module, name : str
            What it asks for.

        Returns
        -------
        callable
            A harmless one.

        Raises
        ------
        UnpicklingError
            If it asks for anything else.
        """
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, and only arrays of numbers are read"
            ) from None
