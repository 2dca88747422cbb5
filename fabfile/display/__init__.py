"""What a person, a file or a program sees of a command while it runs."""
