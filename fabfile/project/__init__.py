"""What can be read from the files of a Django project, without importing the project."""
