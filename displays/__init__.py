"""What is seen and heard in the hall: boards, strips, televisions, voices and papers, all made from the journal."""
