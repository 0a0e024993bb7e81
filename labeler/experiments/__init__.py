"""Known labels enter; comparisons of strategies and of settings on them leave."""
