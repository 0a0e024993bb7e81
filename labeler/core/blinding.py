"""Which items are answered without any opinion of the model.

The holdout measures the model, so its answers must not depend on the model. If the holdout alone came without a
prediction, annotators would know what is measured. One pool item in five therefore comes without a prediction as well.
"""

from labeler.core.items import Item

# The last two hexadecimal digits of the content hash from which on a pool item is blind. Which items are overlapped
# depends on the first digits, so the two choices are independent.
BLIND_FROM = "cd"

# The same in SQL, of an item `i`: whether the model's prediction for it may be shown at all.
OPEN = f"(i.split = 'pool' AND substr(i.content_hash, -2) < '{BLIND_FROM}')"


def is_blind(item: Item) -> bool:
    """Whether nobody who answers this item may know what the model predicts, whatever the project reveals."""
    return item.split == "holdout" or item.content_hash[-2:] >= BLIND_FROM
