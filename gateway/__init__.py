"""Document interchange gateway for government: start reading in ``gateway/flow``."""

__version__ = "0.1.0"
