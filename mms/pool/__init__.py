"""The front's side of the workers: processes, and who keeps them alive."""
