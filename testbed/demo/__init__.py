"""A small city to look around in: facts about public pilots, fictional people, made-up measurements."""
