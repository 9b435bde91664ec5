"""The tools that correct a nucleus in the canvas."""
