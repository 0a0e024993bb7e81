"""Features of a text's own characters, for scripts that the pretrained encoder cannot read: n-grams → TF-IDF → SVD."""
