"""The command line: an HTTP client of Castalia's own API and nothing else.

Modules import only what parsing needs; HTTP and tables are loaded when a command runs, so that
`--help` and shell completion are instant.
"""
