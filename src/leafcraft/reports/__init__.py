"""Reports: what was sold and what the stock is worth, added up exactly; nothing is written here."""
