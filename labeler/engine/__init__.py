"""A function and chunks of work enter; results leave, whether processes of this machine or a cluster made them."""
