"""The database's schema, version by version; in the wheel, and run by `castalia.db.migrate`."""
