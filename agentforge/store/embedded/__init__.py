"""The PostgreSQL that starts by itself when no other database is named: see docs/embedded-server.md."""
