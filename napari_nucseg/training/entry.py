"""What is known of a field of a training set without its pixels."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import uuid
from typing import Any

import numpy as np

__all__ = ["OLD_KEY", "Entry", "identity_of", "new_key", "plain_name"]

#: Names of folders that versions before this one gave: identity, time in ns, a random end.
OLD_KEY = re.compile(r"([0-9a-f]{16})-(\d{20})-[0-9a-f]{6}")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A field in the training set, without its pixels.

    Parameters
    ----------
    key : str
        Name of its folder.
    name : str
        Name of the field.
    nuclei : int
        How many there are.
    shape : tuple of int
        Shape of the labels: height and width in pixels.
    added : str
        When, as ISO date and time.
    source : dict
        Where the labels came from before they were corrected.
    identity : str, optional
        What two versions of the same image under the same name have in common.
    reviewed : float, optional
        Part of the pixels that a person has reviewed, from 0 to 1.
    """

    key: str
    name: str
    nuclei: int
    shape: tuple[int, ...]
    added: str
    source: dict[str, Any]
    identity: str = ""
    reviewed: float = 1.0

    @property
    def time(self) -> float:
        """When it was added, in seconds since 1970."""
        old = OLD_KEY.fullmatch(self.key)
        if old:
            return int(old[2]) / 1e9
        return datetime.datetime.fromisoformat(self.added).timestamp()


def identity_of(name: str, image: np.ndarray) -> str:
    """Return what two versions of the same field have in common.

    Parameters
    ----------
    name : str
        Name of the field.
    image : ndarray
        Its intensities.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(f"{name}\0{image.shape}\0{image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:16]


def plain_name(name: str) -> str:
    """Return a name that can be that of a folder on every system.

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    str
        1 to 100 letters, digits, spaces and a few marks.
    """
    plain = re.sub(r"[^\w .,()+=-]", "_", name)[:100].strip(" .-")
    return plain or "field"


def new_key(name: str) -> str:
    """Return a name for the folder of a field that is added now.

    Parameters
    ----------
    name : str
        Name of the field.

    Returns
    -------
    str
        Its name, the date and time, and an end that no other one has.
    """
    now = datetime.datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    return f"{plain_name(name)[:60].strip(' .-')} {now} {uuid.uuid4().hex[:6]}"
