"""How papers and dots are drawn."""
