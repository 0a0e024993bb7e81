"""An item and a model enter; why it was asked, and what the model saw, leave."""
