"""The parts of a comparison, each with a table of its own."""
