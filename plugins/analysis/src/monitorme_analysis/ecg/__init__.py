"""Heartbeats in an electrocardiogram, and what their order and shape say."""
