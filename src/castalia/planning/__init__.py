"""Pure algorithms: they get facts and return decisions with reasons."""
