"""One server: a script goes in, events come out. Alone knows Paramiko."""
