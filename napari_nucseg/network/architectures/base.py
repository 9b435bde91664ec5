"""The base of all architectures, and their registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np

    from ..backend import keras

__all__ = ["Architecture", "EncoderWeights", "are_widths", "kinds", "read_architecture"]

#: Weights of an encoder by the names of the layers in our network.
EncoderWeights = dict[str, "list[np.ndarray]"]

_MOST_LEVELS = 5

#: The architectures by kind. A subclass of `Architecture` enters itself.
_KINDS: dict[str, type[Architecture]] = {}


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Description of a network: what the card of a model says, and how to build it.

    A subclass is a frozen dataclass too. All its fields have defaults. They are numbers, texts
    or tuples of these, because they go into the card, where a tuple is a list. Its
    `__post_init__` refuses values that a stranger's card should not have. The layers of the
    network, and their names, follow from the fields alone.

    Parameters
    ----------
    widths : tuple of int
        Filters at a half, a quarter, … of the resolution.

    Attributes
    ----------
    kind : str
        Name of the architecture in cards and commands.
    summary : str
        What it is, in a sentence for ``--help``.
    encoder_layers : tuple of str
        How the names of the encoder's layers begin.
    encoder_source : str
        Which pretrained weights the encoder can load, for ``--help``; empty if none.
    """

    kind: ClassVar[str]
    summary: ClassVar[str] = ""
    encoder_layers: ClassVar[tuple[str, ...]]
    encoder_source: ClassVar[str] = ""

    widths: tuple[int, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" not in vars(cls):  # a base of several architectures
            return
        other = _KINDS.get(cls.kind)
        if other is not None:
            raise ValueError(
                f"Expected a new kind of architecture in {cls.__module__}, got {cls.kind!r}, "
                f"which {other.__module__} has registered. Give it another kind."
            )
        _KINDS[cls.kind] = cls

    def build(self, *, batch_norm: bool) -> keras.Model:
        """Build the network, with random weights.

        Parameters
        ----------
        batch_norm : bool
            Whether batch normalization follows the convolutions. It does while a network is
            trained from scratch; afterwards it is folded into them. A normalization has the
            name of its convolution with ``_norm`` added.

        Returns
        -------
        keras.Model
            Takes float32 (N, Y, X, 3) with Y and X multiples of 32. Gives ``"maps"``,
            (N, Y, X, 3): foreground and boundary as logits, distance as it is; and
            ``"size"``, (N, Y/8, X/8, 1): log2 of the diameter of the nucleus there over
            28 pixels.
        """
        raise NotImplementedError

    def extends(self, other: Architecture) -> bool:
        """Return whether the network can start from the weights of another architecture.

        Parameters
        ----------
        other : Architecture
            The other one.

        Returns
        -------
        bool
            Whether `weights.start_from` can take its weights. By default only if both
            are equal.
        """
        return self == other

    @property
    def extension(self) -> str:
        """Which widths `extends` takes a network of this architecture to, for messages."""
        return f"the widths {list(self.widths)}"

    def load_encoder(self, file: Path | None = None) -> EncoderWeights:
        """Load pretrained weights of the encoder.

        Parameters
        ----------
        file : Path, optional
            File to load them from; left out, they are downloaded.

        Returns
        -------
        EncoderWeights
            For the network that is built with batch normalization.

        Raises
        ------
        ConnectionError
            If they cannot be downloaded.
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file holds something else, or the architecture can load none.
        """
        raise ValueError(
            f"Expected an architecture whose encoder can load weights, got {self.kind!r}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the description, ready for the card of a model.

        Returns
        -------
        dict
            What `read_architecture` takes.
        """
        values = dataclasses.asdict(self)
        return {"kind": self.kind, **{name: _as_list(value) for name, value in values.items()}}


def _as_list(value: Any) -> Any:
    """Make lists of tuples, also of those inside of others, as JSON does."""
    return [_as_list(one) for one in value] if isinstance(value, tuple | list) else value


def _as_tuple(value: Any) -> Any:
    """Make tuples of lists, also of those inside of others."""
    return tuple(_as_tuple(one) for one in value) if isinstance(value, list) else value


def kinds() -> dict[str, type[Architecture]]:
    """Return the architectures.

    Returns
    -------
    dict of str to type
        Subclasses of `Architecture` by their kind, in alphabetical order.
    """
    return dict(sorted(_KINDS.items()))


def read_architecture(values: dict[str, Any]) -> Architecture:
    """Read the description of a model's card.

    Parameters
    ----------
    values : dict
        What `Architecture.as_dict` returned.

    Returns
    -------
    Architecture
        The description. What an older card does not say has its default.

    Raises
    ------
    ValueError
        If it describes something else, or a network of an unlikely size.
    """
    given = {name: value for name, value in values.items() if name != "kind"}
    kind = _KINDS.get(str(values.get("kind")))
    known = [field.name for field in dataclasses.fields(kind)] if kind else []
    widths: Any = given.get("widths")
    good = isinstance(widths, list) and len(widths) <= _MOST_LEVELS
    if kind and good and set(given) <= set(known):
        return kind(**{name: _as_tuple(value) for name, value in given.items()})
    raise ValueError(
        f"Expected the architecture of a network of kind {' or '.join(kinds())}, with its "
        f"widths, got {str(values)[:200]}. Was the model made by a newer version?"
    )


def are_widths(values: Sequence[Any]) -> bool:
    """Return whether these can be numbers of filters of a network that fits into memory.

    Parameters
    ----------
    values : sequence
        Perhaps out of a stranger's file.

    Returns
    -------
    bool
        Whether all are whole numbers of 1 to 512.
    """
    return all(type(value) is int and 0 < value <= 512 for value in values)
