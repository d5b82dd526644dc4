"""People as a monitor sees them: one module per organ, one body that couples them.

Values are in the catalogue's units throughout. Nothing here is medical advice: the
figures give plausible pictures, and their sources stand beside them.
"""
