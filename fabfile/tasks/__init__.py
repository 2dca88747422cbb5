"""The tasks that people type."""
