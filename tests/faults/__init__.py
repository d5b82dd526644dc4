"""The fault suite: things die, stall and lie under load, and nothing may be lost.

`python -m tests.faults` (or `make faults`) runs it and writes the table into
docs/guarantees.md; the tests in this folder run a short version.
"""
