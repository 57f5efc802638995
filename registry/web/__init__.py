"""The staff pages: blueprints, templates and their style sheets."""
