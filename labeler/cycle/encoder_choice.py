"""The encoder that reads a project's items, and why it is that one."""

from collections.abc import Iterator
from dataclasses import replace

from labeler.backbones.auto import Choice, recorded, resolved
from labeler.backbones.catalogue import ENCODERS, JOINT
from labeler.i18n.messages import Message, mark
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store


def choice_of(project: Project, store: Store) -> Choice | None:
    """What `auto` stands for in a project; it is chosen now if there are items and it was not yet.

    None: the settings name an encoder, or there is nothing to choose by.
    """
    learner, folder = project.config.learner, project.embeddings
    if learner.backbone != "auto":
        return None
    if choice := recorded(folder):
        return choice
    ids = store.items.columns().ids
    if not len(ids):
        return None
    return resolved(learner, project.config.modality, project.texts(ids), folder)


def present_encoder(project: Project, store: Store) -> str:
    """The name of the encoder that reads the items, with what `auto` stands for; ", adapted" where its weights are."""
    learner, choice = project.config.learner, choice_of(project, store)
    return (choice.backbone if choice else learner.backbone) + (", adapted" if learner.adapted else "")


def use_encoder(project: Project, name: str) -> Project:
    """The project with another encoder, which reads the items from the next round on.

    Raises: LabelerError: the settings do not allow it.
    """
    now = projects.open_project(project.folder, project.actor)  # the settings may have changed meanwhile
    return now.save(replace(now.config, learner=replace(now.config.learner, backbone=name, adapted=False)))


def about_encoder(project: Project, store: Store) -> Iterator[Message]:
    """Sentences on the encoder: which one, why, its licence where one should know more, and whether there is a better.

    None before the first import.
    """
    choice, backbone = choice_of(project, store), project.config.learner.backbone
    if choice is None and backbone == "auto":
        return
    yield choice.why() if choice else mark("Encoder: {name}, as the settings say.", name=backbone)
    for part in (choice.backbone if choice else backbone).split(JOINT):
        if part in ENCODERS and ENCODERS[part].note:
            yield mark(ENCODERS[part].note)
    if choice and (stronger := choice.stronger()):
        yield stronger
