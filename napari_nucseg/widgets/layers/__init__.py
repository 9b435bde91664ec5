"""The layers of napari: what they are, where they lie, and what belongs to them."""
