"""The version of napari-nucseg."""

__all__ = ["__version__"]

__version__ = "0.1.0"
