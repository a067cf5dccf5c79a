"""Tokens that programs show at the HTTP API: made, verified, revoked."""
