"""Background jobs: Celery at the edge, the same jobs in one process when embedded."""
