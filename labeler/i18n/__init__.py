"""English messages enter; what a person reads, in their language, leaves.

The catalogues of translations are in `locale/`.
"""
