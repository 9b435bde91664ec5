"""Small helpers that belong to no arrow: atomic files, paths, text, progress."""
