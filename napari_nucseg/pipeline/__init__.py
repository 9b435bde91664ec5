"""From an image to labels: normalize, scale, tiles, instances."""
