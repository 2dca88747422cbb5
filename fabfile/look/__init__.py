"""What a host tells of a site: how the site fares, and lines of its logs."""
