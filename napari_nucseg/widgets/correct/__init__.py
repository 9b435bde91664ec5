"""Part 2 of the dock, Correct: adding fields to the training set and bringing labels in."""
