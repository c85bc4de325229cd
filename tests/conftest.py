"""What every test may use."""

pytest_plugins = ["fix_database", "fix_bench", "fix_embedded", "fix_people", "fix_bouncer", "fix_users"]
