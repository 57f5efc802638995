"""The patient door: a WSGI application of its own, with few rules and no script."""
