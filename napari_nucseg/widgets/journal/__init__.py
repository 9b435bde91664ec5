"""Corrections on the disk within seconds, and the offer to restore them."""
