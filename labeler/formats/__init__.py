"""Files of other tools enter, recognised by their content, and rows of items with their answers leave; items with all
that people said about them enter, and files that other tools read leave. Each format has a file with both ways.
"""
