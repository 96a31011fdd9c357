"""Who is next: tickets, the windows that call them, and the one ordered record of what happened in a hall."""
