"""The commit to ship: how it is found, read, and packed as the bytes that a host lacks."""
