"""A sequence of stages carried out on hosts, and what is shown of it."""
