"""A package for pytest's sake: what is of package scope ends with the last test of this folder."""
