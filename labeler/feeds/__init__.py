"""New items that come by themselves. A feed of the settings enters; files that an import can read leave, and how far
the feed was read.
"""
