"""Simulated patients and devices, replay of recordings, load and stand-ins."""
