"""What the user wrote in fabric.yaml and the environment: its schema, its checks, its manual."""
