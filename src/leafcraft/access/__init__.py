"""Access: how people and machines prove who they are, and how that ends."""
