"""Choose the network that is trained, and its initial weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from ..registry import Model
from ..training import IMAGENET, RANDOM, Initialization, TrainParameters
from .architectures import Architecture, kinds, read_architecture

if TYPE_CHECKING:
    from .backend import keras

__all__ = ["DEFAULT_ARCHITECTURE", "InitialNetwork", "resolve"]

#: The architecture of a new network if none is chosen.
DEFAULT_ARCHITECTURE = "unet"


@dataclasses.dataclass(frozen=True, eq=False)
class InitialNetwork:
    """A network and where its initial weights come from.

    Parameters
    ----------
    architecture : Architecture
        The network.
    parent : Model or None
        Model whose weights it takes, of this architecture or one with fewer levels or
        filters; None for random weights.
    encoder_weights : str or None
        ``"imagenet"`` or a file of weights for the encoder alone; None without these.
    """

    architecture: Architecture
    parent: Model | None
    encoder_weights: str | None

    def frozen_epochs(self, parameters: TrainParameters) -> int:
        """Choose for how many epochs at the start the encoder is frozen.

        Beside a decoder with random weights a pretrained encoder would forget what it
        learned.

        Parameters
        ----------
        parameters : TrainParameters
            Their value is taken, if they have one.

        Returns
        -------
        int
            By default a tenth of all epochs if the encoder alone is pretrained, 0 otherwise.

        Raises
        ------
        ValueError
            If an encoder with random weights is to be frozen.
        """
        given = parameters.frozen_epochs
        pretrained = self.parent is not None or self.encoder_weights is not None
        if given and not pretrained:
            raise ValueError(
                f"Expected 'frozen_epochs' only with a pretrained encoder, got {given} for one "
                f"with random weights. Leave it out, or give weights."
            )
        if given is not None:
            return given
        tenth = max(1, parameters.epochs // 10)
        return min(tenth, parameters.epochs - 1) if self.encoder_weights else 0

    def build(self, *, load_encoder: bool = True) -> keras.Model:
        """Build the network and give it its initial weights.

        Parameters
        ----------
        load_encoder : bool, optional
            Whether to load the weights of the encoder. A run that is resumed has them
            in its checkpoint.

        Returns
        -------
        keras.Model
            With batch normalization if it starts from scratch. The network of a model has it
            folded in, and is trained without.
        """
        from .predict import load_network
        from .weights import set_encoder, start_from

        if self.parent is None:
            network = self.architecture.build(batch_norm=True)
            if load_encoder and self.encoder_weights is not None:
                named = self.encoder_weights
                file = None if named == IMAGENET else Path(named)
                set_encoder(network, self.architecture.load_encoder(file))
            return network
        network = load_network(self.parent)
        if read_architecture(self.parent.card.architecture) == self.architecture:
            return network
        larger = self.architecture.build(batch_norm=False)
        start_from(network, larger)
        return larger


def resolve(initialization: Initialization) -> InitialNetwork:
    """Choose the network and its initial weights. This is quick and does not load Keras.

    Parameters
    ----------
    initialization : Initialization
        What is asked for.

    Returns
    -------
    InitialNetwork
        What to build.

    Raises
    ------
    ValueError
        If the architecture is unknown, or its values do not go together with the parent.
    FileNotFoundError
        If there is no such parent.
    """
    parent = initialization.parent
    architecture = _architecture(initialization, parent)
    given = initialization.encoder_weights
    pretrainable = parent is None and bool(architecture.encoder_source)
    if given is not None and not pretrainable:
        able = [kind for kind, one in kinds().items() if one.encoder_source]
        raise ValueError(
            f"Expected weights of an encoder only for a new network of architecture "
            f"{' or '.join(map(repr, able))}, got {str(given)!r}. Leave them out."
        )
    if not pretrainable or given == RANDOM:
        return InitialNetwork(architecture, parent, None)
    return InitialNetwork(architecture, parent, str(given or IMAGENET))


def _architecture(initialization: Initialization, parent: Model | None) -> Architecture:
    """Choose the architecture: that of the parent, perhaps with other widths, or a new one."""
    before = read_architecture(parent.card.architecture) if parent else None
    wanted = initialization.architecture
    if wanted is not None and wanted not in kinds():
        raise ValueError(
            f"Expected an architecture out of {', '.join(kinds())}, got {wanted!r}."
        )
    if before and wanted not in (None, before.kind):
        raise ValueError(
            f"Expected the architecture of the parent model, {before.kind!r}, got {wanted!r}. "
            f"Leave one of them out."
        )
    base = before or kinds()[wanted or DEFAULT_ARCHITECTURE]()
    if initialization.widths is None:
        return base
    chosen = dataclasses.replace(base, widths=tuple(initialization.widths))
    if before and not chosen.extends(before):
        raise ValueError(
            f"Expected, for the parent model of architecture {before.kind!r}, "
            f"{before.extension}, got {list(initialization.widths)}."
        )
    return chosen
