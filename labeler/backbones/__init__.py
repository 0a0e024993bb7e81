"""Inputs enter: image files and texts. Features leave, computed once by a pretrained network and kept on disk."""
