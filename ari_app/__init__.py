"""Asterisk's REST interface: the door through which we ask Asterisk."""
