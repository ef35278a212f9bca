"""The append-only log of what was exchanged, and what can be proved with it."""
