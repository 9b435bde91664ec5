"""The engine's child as ``python -m napari_nucseg.engine``."""

from .worker import main

main()
