"""What settings must keep beside their types, each rule with the sentence that says how it was broken."""

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NoReturn

from labeler.core.errors import ConfigError
from labeler.core.setting_descriptions import Setting

# Keys of the desk that no class can have: its own actions.
RESERVED_KEYS = "usfnwg"
MOST_CLASSES = 1000
LINEAR = "linear"  # the default of `learner.head`


def check_name(name: str) -> None:
    """Refuse an empty name of a project."""
    if not name.strip():
        raise ConfigError("name is empty: give the project a name.")


def check_classes(classes: Sequence[str]) -> None:
    """Refuse fewer than two classes, more than can be shown, and names that are empty, padded or given twice."""
    if len(classes) < 2:
        raise ConfigError('classes needs at least two names, e.g. classes = ["cat", "dog"].')
    for name in classes:
        if not name.strip() or name != name.strip():
            raise ConfigError(
                "classes holds {name!r}: a class name is not empty and has no spaces around it.", name=name
            )
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise ConfigError("classes names {twice!r} twice: name each class once.", twice=twice)
    if len(classes) > MOST_CLASSES:
        raise ConfigError(
            "classes names {classes} classes: at most {most_classes} can be shown.",
            classes=len(classes),
            most_classes=MOST_CLASSES,
        )


def check_engine(kind: str, address: str) -> None:
    """Refuse a cluster without the address of its head, or with what is none."""
    if kind == "ray" and not re.fullmatch(r"\S+:\d{1,5}", address):
        raise ConfigError(
            'engine.address = "{address}" is no address of a Ray cluster: write the host and port of its head, e.g.'
            ' "10.0.0.5:6379".',
            address=address,
        )


def check_objective(objective: str, several: bool) -> None:
    """Refuse a contrastive loss where items have several classes."""
    if several and objective not in ("auto", "cross_entropy"):
        raise ConfigError(
            'learner.finetune.objective = "{objective}" pulls items of one class together, which says nothing where'
            ' items have several: choose "auto" or "cross_entropy".',
            objective=objective,
        )


def check_head(head: str, parameters: bool, kind: str, committee: str) -> None:
    """Refuse what only linear heads can do beside another head, and parameters of linear heads.

    Args: parameters: whether there are any.
    """
    if head == LINEAR:
        if parameters:
            raise ConfigError(
                'learner.head_parameters are those of another head: name it, e.g. learner.head = "svm", or remove them.'
            )
        return
    if kind == "finetune":
        raise ConfigError(
            'learner.head = "{head}" learns on frozen features, and learner.kind = "finetune" trains them: choose'
            ' kind = "frozen", or head = "linear".',
            head=head,
        )
    if committee != "bootstrap":
        raise ConfigError(
            'learner.committee = "{committee}" needs the weights of linear heads: choose "bootstrap" with'
            ' learner.head = "{head}".',
            committee=committee,
            head=head,
        )


def check_strategy_of_head(strategy: str, linear: bool, head: str) -> None:
    """Refuse a strategy that takes gradients of linear heads beside another head.

    Args: linear: whether the strategy does.
    """
    if linear and head != LINEAR:
        raise ConfigError(
            'strategy {name!r} takes gradients of linear heads, which learner.head = "{head}" does not have: choose'
            " another strategy, or the head linear.",
            name=strategy,
            head=head,
        )


def check_more_of(more_of: Sequence[str]) -> None:
    """Refuse an entry of `query.more_of` that is not `column=value`."""
    for entry in more_of:
        if not all(part.strip() for part in entry.partition("=")):
            raise ConfigError(
                "query.more_of holds {wish!r}: name a column and its value, e.g. 'site=Seoul'.", wish=entry
            )


def check_class_details(classes: Sequence[str], keys: Mapping[str, str], colours: Mapping[str, str]) -> None:
    """Refuse details of an unknown class, a colour that is none, and a key that is taken or no single letter or digit.

    Args: keys, colours: of each class that has details; empty where the desk chooses.
    """
    class_of_key: dict[str, str] = {}
    for name, key in keys.items():
        where = f"class_details.{name}"
        if name not in classes:
            raise ConfigError(
                "{where}: {name!r} is not one of the classes; remove it or name a class.", where=where, name=name
            )
        if colours[name] and not re.fullmatch(r"#[0-9a-fA-F]{6}", colours[name]):
            raise ConfigError(
                "{where}.colour = {colour!r} must be a colour such as '#1f77b4'.", where=where, colour=colours[name]
            )
        if not key:
            continue
        if len(key) != 1 or not key.isalnum() or key.lower() in RESERVED_KEYS:
            raise ConfigError(
                "{where}.key = {key!r} must be one letter or digit, and none of {reserved_keys},"
                " which the desk uses itself.",
                where=where,
                key=key,
                reserved_keys=", ".join(RESERVED_KEYS),
            )
        if key.lower() in class_of_key:
            raise ConfigError(
                "{where}.key = {key!r} is the key of {taken!r} already: choose another.",
                where=where,
                key=key,
                taken=class_of_key[key.lower()],
            )
        class_of_key[key.lower()] = name


def check_feed(name: str, kind: str, place: str, query: str, cursor: str) -> None:
    """Refuse a feed whose name cannot be that of a file, or that lacks what its kind needs."""
    where = f"feeds.{name}"
    if not re.fullmatch(r"\w[\w-]{0,39}", name):
        raise ConfigError("{name!r} cannot be the name of a feed: take up to 40 letters, digits, - and _.", name=name)
    if not place.strip():
        raise ConfigError("{where}.place must say where the items come from.", where=where)
    if kind == "sql" and not (query.strip() and cursor.strip()):
        raise ConfigError(
            "{where}: a database needs the query of the new rows, and the column whose values grow as cursor.",
            where=where,
        )


def check_ranges(config: object, settings: Iterable[Setting]) -> None:
    """Refuse a number that is out of the range of its setting."""
    for setting in settings:
        if setting.limits is not None and "<" not in setting.key:  # in tables of tables the parser checks them
            value = attrgetter(setting.key)(config)
            if value != "auto" and not setting.limits[0] <= value <= setting.limits[1]:
                refuse_range(setting.key, value, setting.limits)


def refuse_range(key: str, value: float, limits: tuple[float, float]) -> NoReturn:
    """Raise the error of a number that is out of its range."""
    low, high = limits
    raise ConfigError(
        "{key} = {value} is out of range: choose a value from {low:,} to {high:,}.",
        key=key,
        value=value,
        low=low,
        high=high,
    )
