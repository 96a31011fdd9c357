"""How sentences become sound."""
