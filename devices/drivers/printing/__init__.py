"""How a ticket gets to its printer: the lines it may hang on, what is asked of it, and the paper as plain text."""
