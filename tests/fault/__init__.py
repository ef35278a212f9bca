"""Faults survived: real processes, real kills."""
