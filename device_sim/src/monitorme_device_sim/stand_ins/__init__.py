"""Stand-ins for the cloud products: small real servers that check what they get."""
