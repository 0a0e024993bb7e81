"""Figures enter; sentences about them, in the current language, leave."""
