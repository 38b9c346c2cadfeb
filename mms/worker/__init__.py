"""The child process: one model, its service, and the loop that answers requests."""
