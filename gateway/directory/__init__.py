"""Who exists, under which names and codes, on which day, and how each is reached. Levels are data."""
