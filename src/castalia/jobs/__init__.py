"""The durable job engine: queue, leases, journal, limits, cron."""
