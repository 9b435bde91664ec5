"""Controls that several panels use: choices, forms, the wheel, colors, curves."""
