"""What comes in, checked: the same fields for forms, JSON and CSV, so the same words of refusal."""
