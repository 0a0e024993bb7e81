"""Labels that are known enter; how strategies and settings compare on them leaves."""
