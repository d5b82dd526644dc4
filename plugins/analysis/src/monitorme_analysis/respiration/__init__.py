"""Respiration from waveforms, to check the rate that a device sends."""
