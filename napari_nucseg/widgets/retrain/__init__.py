"""Part 3 of the dock, Retrain: the training, old against new, and the models."""
