"""How well the hall serves: what citizens say about it and what becomes of it."""
