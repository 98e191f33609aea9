"""What `./liaison` does: set up, run docker-compose.yml without containers, test. Standard library only."""
