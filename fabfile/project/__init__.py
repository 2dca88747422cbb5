"""What can be read off a Django project on disk, without importing it."""
