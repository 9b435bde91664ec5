"""From corrected fields to a new model."""
