"""Vectors for functions: features from the tree, embedders behind one interface, near-duplicates.

Nothing heavy is imported here: take `interface.load`, `features.extract`, `snippets.snippet_from_code` and
`duplicates.near_duplicates` from their modules.
"""
