"""Recordings on disk, read without anything that only a recording needs."""
