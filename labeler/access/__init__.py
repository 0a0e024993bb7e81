"""A request enters; who asks, and what they may see and do, leaves."""
