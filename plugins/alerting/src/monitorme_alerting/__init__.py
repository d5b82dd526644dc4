"""Turns conditions into alarms that people see, take on and see resolved."""
