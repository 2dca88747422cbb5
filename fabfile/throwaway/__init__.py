"""Real Debian hosts to throw away, for rehearsals and tests."""
