"""Tables to files, and several tables to one."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..support import new_file
from .summary import Measurement
from .table import Table

__all__ = [
    "TABLE_SUFFIXES",
    "check_table_path",
    "join_tables",
    "write_measurements",
    "write_table",
]

#: Suffixes of the files that a table can be written to.
TABLE_SUFFIXES = (".csv", ".parquet")

_SUMMARY_ENDING = "_summary"


def join_tables(tables: Mapping[str, Table], column: str = "file") -> Table:
    """Put the tables of several files below each other.

    Parameters
    ----------
    tables : mapping of str to Table
        By the name of the file.
    column : str, optional
        Name of the first column, which says the file of each row.

    Returns
    -------
    Table
        All columns that any has. Where a table does not have one, there is NaN, or an empty
        text among texts.
    """
    lengths = {name: len(next(iter(table.values()), ())) for name, table in tables.items()}
    names = [np.full(length, name, object) for name, length in lengths.items()]
    joined: Table = {column: np.concatenate(names) if names else np.zeros(0, object)}
    for title in dict.fromkeys(title for table in tables.values() for title in table):
        first = next(table[title] for table in tables.values() if title in table)
        missing = "" if first.dtype.kind in "UO" else np.nan
        joined[title] = np.concatenate(
            [
                table.get(title, np.full(lengths[name], missing))
                for name, table in tables.items()
            ]
        )
    return joined


def check_table_path(path: str | Path) -> Path:
    """Check that a table can be written to a file of this name.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    ValueError
        If its suffix is not one of `TABLE_SUFFIXES`.
    ImportError
        If it needs a library that is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise ValueError(
            f"Expected a table with one of the suffixes {', '.join(TABLE_SUFFIXES)}, got "
            f"{path}. Name it {path.with_suffix('.csv').name}, for example."
        )
    if suffix == ".parquet":
        _pyarrow()
    return path


def write_measurements(path: str | Path, found: Mapping[str, Measurement]) -> Path:
    """Write measured images: a table of all nuclei, and beside it one of the images.

    Parameters
    ----------
    path : path
        File for the nuclei, see `write_table`. ``table.csv`` has ``table_summary.csv`` with a
        row for each image beside it.
    found : mapping of str to Measurement
        By the names of the images, which the first column of both tables has.

    Returns
    -------
    Path
        The file of the images.

    Raises
    ------
    ValueError, ImportError, OSError
        See `write_table`.
    """
    path = check_table_path(path)
    rows = {
        name: {column: np.array([value]) for column, value in one.summary.items()}
        for name, one in found.items()
    }
    summary = path.with_stem(f"{path.stem}{_SUMMARY_ENDING}")
    write_table(path, join_tables({name: one.table for name, one in found.items()}))
    write_table(summary, join_tables(rows))
    return summary


def write_table(path: str | Path, table: Table) -> None:
    """Write a table.

    Parameters
    ----------
    path : path
        File to make or replace, ``.csv`` or ``.parquet``; it appears whole or not at all.
        In CSV, numbers have ten digits, and NaN is an empty cell.
    table : Table
        Columns of one length by name.

    Raises
    ------
    ValueError, ImportError
        See `check_table_path`.
    OSError
        If it cannot be written.
    """
    path = check_table_path(path)
    with new_file(path) as aside:
        if path.suffix.lower() == ".parquet":
            arrow, parquet = _pyarrow()
            parquet.write_table(arrow.table(dict(table)), aside)
            return
        with open(aside, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table)
            columns = [map(_in_words, values.tolist()) for values in table.values()]
            writer.writerows(zip(*columns, strict=True))


def _in_words(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if np.isnan(value) else f"{value:.10g}"


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Expected the library pyarrow, which writes Parquet, but it is not installed. "
            "Install it with 'pip install napari-nucseg[exports]', or write CSV."
        ) from error
    return pyarrow, pyarrow.parquet
