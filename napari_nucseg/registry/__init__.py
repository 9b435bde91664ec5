"""Models on disk: card, weights, archive."""
