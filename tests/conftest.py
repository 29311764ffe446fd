"""Fixtures that every directory may use, each kind in a module of its own."""

pytest_plugins = ["tests.lab_fixture", "tests.images_fixture", "tests.postgresql"]
