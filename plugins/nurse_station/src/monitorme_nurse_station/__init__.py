"""Shows a ward's patients on one page, within a second."""
