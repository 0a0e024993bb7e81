"""The key of each class on the desk and in Review: that of the settings, its own digit, or the next free one."""

from dataclasses import asdict

from labeler.core.settings import ClassDetail, Config

CLASS_KEYS = "1234567890qertyiopadhjklzxcvbm"  # without the keys of the desk's actions


def class_keys(config: Config) -> dict[str, str]:
    """The key of each class, in the project's order; "" where no key is left. The class "7" has the key 7."""
    own = {name: detail.key.lower() for name, detail in config.class_details.items() if detail.key}
    own |= {name: name for name in config.classes if name in {*"0123456789"} - {*own, *own.values()}}
    free = iter([key for key in CLASS_KEYS if key not in own.values()])
    return {name: own.get(name) or next(free, "") for name in config.classes}


def shown_classes(config: Config) -> list[dict[str, str]]:
    """The classes as the desk shows them, in the project's order: name, key, colour, description, group."""
    keys = class_keys(config)
    details = {name: config.class_details.get(name, ClassDetail()) for name in config.classes}
    return [{"name": name, **asdict(details[name]), "key": keys[name]} for name in config.classes]
