"""Names of the columns of a table of predictions or of an export, where a table's own columns have the same ones."""

from collections.abc import Collection, Sequence


def free_name(name: str, taken: Collection[str]) -> str:
    """The name of a metadata column, with `metadata.` before it where the name is taken."""
    while name in taken:
        name = f"metadata.{name}"
    return name


def of_predictions(classes: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns that predictions have besides those of the table that was predicted."""
    return "source", "input", "label", "probability", *(f"p({name})" for name in classes)
