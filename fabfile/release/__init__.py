"""One deployed version of the project: its record, and the history of all that a host has."""
