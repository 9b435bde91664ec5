"""The window: the only code that imports napari, Qt or magicgui."""
