"""Fixtures that every directory may use, each kind in a module of its own."""

from hypothesis import settings

pytest_plugins = ["tests.lab_fixture", "tests.images_fixture", "tests.postgresql"]

# How long an example takes says something of the machine, not of the code.
settings.register_profile("castalia", deadline=None)
settings.load_profile("castalia")
