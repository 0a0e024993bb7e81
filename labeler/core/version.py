"""The version of the labeler, written once: the package's metadata and the report read it here."""

__version__ = "0.2.0"
