"""Going through the nuclei one by one: the queue, its bar, and marks in the canvas."""
