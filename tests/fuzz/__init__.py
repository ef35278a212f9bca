"""Anything may come in: doors and readers fed with what no software would send."""
