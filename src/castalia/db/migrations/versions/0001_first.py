"""The first version: inventory, access, records and jobs."""

from castalia.db.migrations.first import access, inventory, jobs, record

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes every table."""
    inventory.create()
    access.create()
    record.create()
    jobs.create()
