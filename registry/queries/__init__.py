"""The only readers with logic: nouns that never write."""
