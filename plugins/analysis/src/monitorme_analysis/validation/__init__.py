"""Proof on recordings: the figures of docs/analysis.md."""
