"""Tables have one style: their heads begin with a capital letter, whoever wrote their columns' names."""

import ast
from pathlib import Path

import streamlit as st

from pages.shared.tables import heads

PAGES = Path(__file__).resolve().parents[2] / "pages"
OF_OWN_HEADS = {"items/lists.py", "members/home.py", "members/roles.py", "project/source.py", "team/annotators.py"}


def test_heads_begin_with_a_capital_letter_and_keep_what_is_configured():
    given = {"share": st.column_config.NumberColumn(format="%.1f%%"), "key": st.column_config.TextColumn("Key of it")}
    configured = heads(["round", "macro F1", "95%", "라운드", *given], given)
    labels = [column["label"] for column in configured.values()]
    assert labels == ["Round", "Macro F1", "95%", "라운드", "Share", "Key of it"]
    assert configured["share"]["type_config"] == given["share"]["type_config"]


def test_pages_draw_tables_by_show_table_unless_they_name_each_head_or_show_a_file():
    drawn = {
        str(path.relative_to(PAGES))
        for path in PAGES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "dataframe" and ast.unparse(node.value) == "st"
    }
    assert drawn == OF_OWN_HEADS | {"shared/tables.py"}
