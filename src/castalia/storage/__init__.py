"""Hosts' storage: repositories and volumes."""
