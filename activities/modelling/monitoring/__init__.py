"""A window's rows beside what a champion learnt from."""
