"""From a report to what its pages draw and print: only what the report shows, nothing else."""
