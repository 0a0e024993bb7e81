"""How the rounds go: the learning curve and where it leads, what random sampling would have cost, when to stop."""
