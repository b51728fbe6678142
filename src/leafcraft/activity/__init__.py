"""Activity: what happened in the shop, who did it, when, and from where."""
