"""Add the nucleus that was clicked, from the maps, or after the network has looked there."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject

from ...corrections import add, plane_of
from ...pipeline import Maps
from ..layers.canvas import Mark
from ..layers.shown import result_of_layer
from .hand import Hand
from .kept_maps import KeptMaps
from .look import Looker, Seen, typical_diameter_of

__all__ = ["NucleusAdder"]

_COLOR = "#5cc8ff"


class NucleusAdder(QObject):
    """Adds nuclei where a person clicks.

    Parameters
    ----------
    hand : Hand
        Whose layer they are added to.
    maps : KeptMaps
        The maps of results.
    looker : Looker
        Asked where there are no maps.
    image_of : callable
        Returns the image of the labels, or None.
    """

    def __init__(
        self,
        hand: Hand,
        maps: KeptMaps,
        looker: Looker,
        image_of: Callable[[], Any | None],
    ) -> None:
        super().__init__(hand)
        self._hand, self._maps, self._looker = hand, maps, looker
        self._image_of = image_of

    def maps_and_diameter(self) -> tuple[Maps | None, float | None]:
        """Return what is known of the plane that is displayed.

        Returns
        -------
        maps : Maps or None
            Of the whole plane, if they are here.
        diameter : float or None
            Typical diameter of its nuclei in pixels.
        """
        maps, diameter = self.maps_and_diameter_of_result()
        if diameter is None:
            diameter = typical_diameter_of(self._hand.plane().labels)
        return maps, diameter

    def maps_and_diameter_of_result(self) -> tuple[Maps | None, float | None]:
        """Return what a result says of the plane that is displayed, without measuring.

        Returns
        -------
        maps : Maps or None
            Of the whole plane, if they are here.
        diameter : float or None
            Typical diameter of its nuclei in pixels; None for labels from elsewhere.
        """
        layer = self._hand.layer
        result = None if layer is None else result_of_layer(layer)
        if result is None:
            return None, None
        return self._maps.of(layer), float(result.provenance["diameter"])

    def add_at(self, at: tuple[float, float]) -> None:
        """Add a nucleus.

        Parameters
        ----------
        at : tuple of float
            A place of the background, (Y, X) in pixels of the displayed plane.
        """
        plane, layer = self._hand.plane(), self._hand.layer
        maps, diameter = self.maps_and_diameter()
        seen = Seen(maps)
        ref, where = weakref.ref(layer), (plane.position, plane.displayed)
        if maps is not None:
            self._add(ref, where, at, seen, diameter)
            return

        def then(seen: Seen) -> None:
            self._show_places()
            self._add(ref, where, at, seen, diameter)

        self._looker.look(self._image_of(), plane, at, diameter, then)
        self._show_places()

    def _show_places(self) -> None:
        self._hand.show(
            [Mark([at], _COLOR, radius=8, text="Looking…") for at in self._looker.places]
        )

    def _add(
        self,
        ref: Callable[[], Any],
        where: tuple[tuple[int, ...], tuple[int, int]],
        at: tuple[float, float],
        seen: Seen,
        diameter: float | None,
    ) -> None:
        hand = self._hand
        layer: Any = ref()
        if layer is None or layer != hand.layer:
            return  # it was closed, or another one is corrected by now
        new = hand.editor.new_id(layer)
        try:
            plane = plane_of(layer.data, *where)
        except ValueError:
            return  # the layer shows something else by now
        result = result_of_layer(layer)
        probability = result.parameters.probability if result is not None else 0.5
        edit = add(
            plane.labels,
            at,
            seen.maps,
            diameter=diameter,
            probability=probability,
            origin=seen.origin,
            new_id=new,
        )
        if hand.editor.do(layer, plane, edit):
            hand.select(new)
            how = "" if seen.maps is not None else " It is a disc: the network could not look."
            hand.told.emit(f"Added a nucleus.{how}", False)
        else:
            hand.told.emit("Nothing added: there is a nucleus already.", False)
