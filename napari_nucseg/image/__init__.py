"""Images, masks and pairs of them: arrays and files, and the simulator."""
