"""Use cases per noun: authorise, validate, then read, or enqueue a job."""
