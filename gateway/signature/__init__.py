"""Is it genuine, by whom, and under which rule set."""
