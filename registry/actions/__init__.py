"""The only writers: verbs that take the session first and always say who and when."""
