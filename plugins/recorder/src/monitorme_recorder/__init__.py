"""Keeps every reading on disk, confirms it to its device, and serves its history."""
