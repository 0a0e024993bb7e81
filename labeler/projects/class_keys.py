"""The key of each class, for the desk and for Review: its own, or the next one that is free."""

from labeler.core.settings import Config

CLASS_KEYS = "1234567890qertyiopadhjklzxcvbm"  # without those of the desk's actions


def class_keys(config: Config) -> dict[str, str]:
    """The key of each class, in the project's order; "" for the last of many classes, which have none."""
    own = {name: detail.key.lower() for name, detail in config.class_details.items() if detail.key}
    free = iter([key for key in CLASS_KEYS if key not in own.values()])
    return {name: own.get(name) or next(free, "") for name in config.classes}
