"""What Waybell costs and how much it holds, measured beside what an admin would write by hand: ``python -m bench``."""
