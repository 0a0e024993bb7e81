"""How long taking labels out takes, and how much memory."""
