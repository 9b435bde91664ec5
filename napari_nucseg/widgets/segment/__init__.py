"""Part 1 of the dock, Segment: jobs, their results as layers, and comparing them."""
