"""How labeling goes: what annotators see and are told, who labels what. Expanders of the Project page."""
