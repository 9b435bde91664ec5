"""What a model may be called."""

from __future__ import annotations

import re

__all__ = ["check_model_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_model_name(name: str) -> str:
    """Check that a name can be a folder on every system.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        If it cannot.
    """
    good = isinstance(name, str) and _NAME.fullmatch(name) and not _RESERVED.fullmatch(name)
    if not good or name.endswith((".", " ")):
        raise ValueError(
            f"Expected a name of 1 to 64 letters, digits, spaces, dots, dashes and "
            f"underscores that starts with a letter or digit, got {name!r}."
        )
    return name
