"""Castalia: a server-virtualization manager."""

__version__ = "0.1.0"
