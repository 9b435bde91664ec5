"""The axes of an image: their letters, their names elsewhere, and how they are guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..support import pluralize

__all__ = [
    "LETTERS",
    "PLANES",
    "axes_of_names",
    "check_axes",
    "describe_axes",
    "guess_axes",
    "has_channels_last",
    "how_known",
    "kept_axes",
    "names_of_axes",
    "one_plane_expected",
    "read_old_axes",
]

#: Time, channel, depth, down, right, and the samples of a color pixel; the order in which
#: planes are given on.
LETTERS = "TCZYXS"

#: Axes of one plane, in the order in which they are kept.
PLANES = ("YX", "YXS", "CYX", "YXC")

_MOST_CHANNELS = 16
_COLORS = (3, 4)  # RGB, RGBA

#: What one step along an axis is called.
_WORDS = {"T": "time point", "C": "channel", "Z": "plane"}

#: What the axes are called by xarray, Zarr, OME-NGFF, ImageJ and people.
_NAMES = {
    "T": ("t", "time", "times", "frame", "frames"),
    "C": ("c", "ch", "channel", "channels"),
    "Z": ("z", "depth", "slice", "slices", "plane"),
    "Y": ("y", "row", "rows", "height"),
    "X": ("x", "col", "cols", "column", "columns", "width"),
    "S": ("s", "sample", "samples", "rgb", "rgba", "color", "colour", "colors"),
}
_LETTER_OF = {name: letter for letter, names in _NAMES.items() for name in names}


def guess_axes(shape: Sequence[int]) -> str:
    """Guess the axes of an image from its shape.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image array.

    Returns
    -------
    str
        ``"YX"`` for two dimensions. For three, ``"YXS"`` if the last has the length of a
        color (3 or 4), ``"CYX"`` or ``"YXC"`` if the first or last has at most 16, and
        ``"ZYX"`` otherwise.

    Raises
    ------
    ValueError
        If there are more dimensions than that, or fewer.
    """
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3:
        if shape[-1] in _COLORS:
            return "YXS"
        if has_channels_last(shape):
            return "YXC"
        return "CYX" if shape[0] <= _MOST_CHANNELS else "ZYX"
    hint = "A line is no image." if len(shape) < 2 else 'Give its axes, such as axes="TZYX".'
    raise ValueError(
        f"Expected a 2-D image or a stack of them, got an image of shape {tuple(shape)} "
        f"without names of its axes. {hint}"
    )


def has_channels_last(shape: Sequence[int]) -> bool:
    """Tell from the shape if the last of three axes is that of the channels.

    Parameters
    ----------
    shape : sequence of int
        Three lengths.

    Returns
    -------
    bool
        Whether the last is short enough for channels, and the first is not or is longer;
        also if it has the length of a color (3 or 4).
    """
    first, last = shape[0], shape[-1]
    return last in _COLORS or (last <= _MOST_CHANNELS and first > last)


def axes_of_names(names: Iterable[object]) -> str:
    """Return the letters of axes that have names.

    Parameters
    ----------
    names : iterable
        Such as the ``dims`` of xarray, or the axis labels of napari.

    Returns
    -------
    str
        Empty if a name is not known, one is there twice, or Y or X is missing.
    """
    letters = [_LETTER_OF.get(str(name).strip().lower(), "?") for name in names]
    known = "?" not in letters and len(set(letters)) == len(letters)
    return "".join(letters) if known and {"Y", "X"} <= set(letters) else ""


def names_of_axes(axes: str) -> tuple[str, ...]:
    """Return names for axes, which `axes_of_names` knows.

    Parameters
    ----------
    axes : str
        Their letters.

    Returns
    -------
    tuple of str
        One for each.
    """
    return tuple(axis.lower() for axis in axes)


def read_old_axes(axes: str, shape: Sequence[int]) -> str:
    """Return the axes of an image that was saved when colors and channels had one letter.

    Parameters
    ----------
    axes : str
        Axes as they were saved.
    shape : sequence of int
        Shape of the image.

    Returns
    -------
    str
        With S for a last axis C of the length of a color.
    """
    return "YXS" if axes == "YXC" and shape[-1] in _COLORS else axes


def check_axes(axes: str, shape: Sequence[int]) -> None:
    """Check that axes are known and fit to a shape.

    Parameters
    ----------
    axes : str
        Their letters.
    shape : sequence of int
        Lengths of the axes.

    Raises
    ------
    ValueError
        If a letter is not one of `LETTERS`, stands there twice or is missing, if there are
        not as many as dimensions, if a color has neither 3 nor 4 samples, or if there are
        no pixels.
    """
    known = set(axes) <= set(LETTERS) and len(set(axes)) == len(axes)
    if not known or not {"Y", "X"} <= set(axes):
        raise ValueError(
            f"Expected axes out of the letters T (time), C (channel), Z (depth), Y, X and S "
            f"(color), each once at most, with Y and X, got {axes!r}."
        )
    if len(axes) != len(shape):
        raise ValueError(
            f"Expected an image with {len(axes)} dimensions for axes {axes}, got "
            f"shape {tuple(shape)}."
        )
    if 0 in shape:
        raise ValueError(
            f"Expected an image with pixels in it, got the empty shape {tuple(shape)}."
        )
    if "S" in axes and shape[axes.index("S")] not in _COLORS:
        raise ValueError(
            f"Expected a color of 3 or 4 samples (RGB or RGBA) along the axis S, got "
            f"{shape[axes.index('S')]} in axes {axes} and shape {tuple(shape)}. The letter "
            f"of channels is C."
        )


def kept_axes(letters: str, shape: Sequence[int], wanted: int = 0) -> list[int]:
    """Tell which axes of a file are those of the image, by their place.

    Parameters
    ----------
    letters : str
        A letter for each axis, as the library that reads the file calls it.
    shape : sequence of int
        Lengths of the axes.
    wanted : int, optional
        How many axes were given in place of those.

    Returns
    -------
    list of int
        All, if so many are wanted; otherwise those longer than 1, and Y and X.
    """
    long = [place for place, n in enumerate(shape) if n > 1 or letters[place] in "YX"]
    return list(range(len(shape))) if wanted == len(shape) else long


def describe_axes(sizes: Mapping[str, int]) -> str:
    """Say in words how large an image is.

    Parameters
    ----------
    sizes : mapping of str to int
        Length of each axis by its letter.

    Returns
    -------
    str
        Such as ``"12 time points, 2 channels, 30 planes of 512 x 512"``; axes of length 1
        are not worth a word.
    """
    plane = f"{sizes['Y']} x {sizes['X']}" + (" in color" if "S" in sizes else "")
    stacked = [pluralize(sizes[axis], _WORDS[axis]) for axis in "TCZ" if sizes.get(axis, 1) > 1]
    return f"{', '.join(stacked)} of {plane}" if stacked else plane


def one_plane_expected(axes: str, sizes: Mapping[str, int], guessed: bool) -> str:
    """Say that a stack was given, and how to choose a plane of it.

    Parameters
    ----------
    axes : str
        Axes of the stack.
    sizes : mapping of str to int
        Length of each axis by its letter.
    guessed : bool
        Whether the axes follow from the shape only.

    Returns
    -------
    str
        The message of an error.
    """
    stacked = [axis for axis in axes if axis in "TCZ" and sizes[axis] > 1]
    got = " and ".join(f"{pluralize(sizes[axis], _WORDS[axis])} ({axis})" for axis in stacked)
    plane = [axis.lower() for axis in stacked if axis != "C"]
    how = f"Give the plane: {', '.join(f'{axis}=…' for axis in plane)}"
    options = ", ".join(f"--{axis}" for axis in plane)
    how += f" ({options} of the command; in napari, a layer of that plane)."
    if not plane:  # channels of color
        how = "Save the channel to segment as a file of its own."
    known = how_known(guessed)
    return f"Expected one plane, got an image with {got}, axes {axes}{known}. {how}"


def how_known(guessed: bool) -> str:
    """Say that axes may be wrong, if they may.

    Parameters
    ----------
    guessed : bool
        Whether they follow from the shape only.

    Returns
    -------
    str
        To be put after the axes; empty if they are known.
    """
    return " (guessed from its shape; give the axes if they are others)" if guessed else ""
