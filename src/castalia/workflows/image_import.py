"""Brings disk images and ISOs in from outside: fetched, inspected, and only then used."""
