"""How well the exchange is going, from its events and dated reference data alone (``docs/figures.md``).

Start with ``calendar.py`` (deadlines), ``facts.py`` (events as records) and ``contributions.py`` (records as
counts).
"""
