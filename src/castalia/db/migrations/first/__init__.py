"""The tables of the first version, by what they are about."""
