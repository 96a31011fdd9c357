-- Which shifts a swap is about, as they were when it was asked for: nobody is given one they did not agree to.
ALTER TABLE shift_swaps ADD meant text[];
