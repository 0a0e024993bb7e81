"""Python code enters, e.g. of a notebook; what a project knows leaves, as arrays and tables."""
