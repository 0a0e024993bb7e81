"""How good the labels are: likely errors, agreement, consensus, and the queue of what deserves a second look."""
