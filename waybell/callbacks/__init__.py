"""Calls that Waybell places: who may call whom, how far a call has come, and on which line it goes out."""
