"""`monitorme demo`: a ward of simulated patients on the real system."""
