"""The parts of a running Waybell, as ``serve --only`` names them."""

PARTS = ("agi", "journal", "ari", "web", "ami", "webhooks")
