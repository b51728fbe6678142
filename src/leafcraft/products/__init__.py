"""Products: what is stocked and sold, and at what price."""
