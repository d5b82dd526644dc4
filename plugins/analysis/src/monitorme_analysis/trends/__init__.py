"""Trends: what is changing, before a limit is reached. Pure functions over few points."""
