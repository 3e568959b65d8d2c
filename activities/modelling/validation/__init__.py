"""Whether rows are fit to be learnt from."""
