"""Rounds: which team goes to which door in which order on a day, by what travel, and what it saves against first come."""
