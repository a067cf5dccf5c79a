"""What is kept for how long, and how a person is forgotten."""
