"""The map of the pool as a chart."""

import pandas as pd

from labeler.report.charts.pool_map import pool_map


def test_the_legend_goes_below_where_a_phone_has_no_room_for_it_in_a_row():
    columns = ["id", "x", "y", "label", "predicted", "doubt", "text"]
    frame = pd.DataFrame(
        [(1, 0.1, 0.2, "배송", "배송", 0.1, "a"), (2, 0.3, 0.4, "none", "배송", 0.2, "b")], columns=columns
    )
    encoding = pool_map(frame, "label", "doubt", ["배송"], "none").to_dict()["encoding"]
    assert {encoding[name]["legend"]["columns"]["expr"] for name in ("color", "shape")} == {"max(1, floor(width / 52))"}
