"""The rounds so far enter; the projected learning curve, reasons to stop, and the cost of labeling leave."""
