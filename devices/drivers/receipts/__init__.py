"""What a receipt printer does with the bytes it gets."""
