"""What if: recorded readings through the rules of the live service, without waiting."""
