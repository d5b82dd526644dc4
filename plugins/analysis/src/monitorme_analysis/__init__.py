"""Finds what is wrong with a patient or a device, and says so as conditions."""
