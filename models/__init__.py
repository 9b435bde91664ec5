"""The models that come with napari-nucseg, one folder each."""
