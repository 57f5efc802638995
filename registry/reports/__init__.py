"""The report and what is drawn from it."""
