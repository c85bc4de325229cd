"""What a project and a user may set: where options come from, and what they are."""
