"""Column types of the first version."""

import sqlalchemy as sa

NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text that sorts by code point."""
