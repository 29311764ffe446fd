"""The manager's own data: tables, stores that return model objects, migrations."""
