"""Real processes that are killed again and again, and a judge who compares tables and mails."""
