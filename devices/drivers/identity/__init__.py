"""Second-generation identity cards at a kiosk: the reader's frames, and the one thing a ticket may need of a card."""
