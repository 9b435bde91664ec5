"""From labels to numbers."""
