"""What all tests share: no test fails because the machine was slow for a moment."""

from hypothesis import settings

settings.register_profile("monitorme", deadline=None)
settings.load_profile("monitorme")
