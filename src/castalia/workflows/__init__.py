"""What jobs do: one file per noun and verb, each a list of idempotent steps with their undo."""
