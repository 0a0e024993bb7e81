"""Which holdout items were drawn."""

from tests.support.fill import add


def test_draws_keep_their_order_and_new_draws_follow(store):
    add(store, 9, split="holdout")
    assert store.active_testing.draws() == []
    store.active_testing.add(1, [4, 2], [0.2, 0.25], left=9)
    store.active_testing.add(3, [7], [0.5], left=7)
    assert store.active_testing.draws() == [
        {"item_id": 4, "q": 0.2, "remaining": 9, "round": 1},
        {"item_id": 2, "q": 0.25, "remaining": 8, "round": 1},
        {"item_id": 7, "q": 0.5, "remaining": 7, "round": 3},
    ]
