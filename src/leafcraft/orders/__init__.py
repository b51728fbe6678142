"""Orders: created Pending, confirmed against stock, cancelled back into it."""
