"""What LED strips have in common: what they say, how it is spelled for a card, the frames, the cable, and the dots."""
