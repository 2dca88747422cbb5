"""One server: a script goes in, events come out. Only this package knows Paramiko."""
