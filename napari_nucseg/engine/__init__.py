"""The child process that runs TensorFlow for a window."""
