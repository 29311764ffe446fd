"""Hosts' hypervisors: what can be asked of them (`driver.py`) and who answers (`driver_*.py`)."""
