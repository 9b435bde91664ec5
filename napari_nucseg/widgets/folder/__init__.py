"""A folder of images that is worked through in the window."""
