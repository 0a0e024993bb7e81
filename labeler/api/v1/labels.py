"""Labels as programs write and read them: the name of a class, or a list of names where items have several."""

from labeler.core.errors import LabelerError
from labeler.core.labels import join, names_of
from labeler.core.settings import Config

Label = str | list[str]


def label_of(stored: str | None, config: Config) -> Label | None:
    """A stored label as programs get it."""
    if stored is None:
        return None
    return list(names_of(stored, config)) if config.several else stored


def text_of(label: Label | None, config: Config) -> str | None:
    """A label as it is stored. Raises: LabelerError: it is none of the project's."""
    if label is None:
        return None
    names = [label] if isinstance(label, str) else label
    if not {*names} <= {*config.classes} or (not config.several and len(names) != 1):
        raise LabelerError("{label!r} is not a label of this project.", label=", ".join(names))
    return join(names, config)
