"""An item and a model enter; explanations leave: why the item was queried, and what moved the prediction."""
