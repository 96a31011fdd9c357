"""The catalogue of matters as people put it in, look it over, take it out and search it."""
