"""Part 5 of the dock, Measure: numbers of nuclei as table, colors, plot, class and file."""
