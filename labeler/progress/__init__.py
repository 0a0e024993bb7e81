"""The rounds so far enter; where labeling leads, when to stop and what it costs leave."""
