"""Classes of a project, and changes of them."""

from typing import Annotated

from pydantic import BaseModel, Field

from labeler.api.v1 import frame
from labeler.api.v1.frame import Body, ProjectCall, in_project
from labeler.core.class_changes import ClassChange, ClassChangeKind
from labeler.cycle.class_changes import change_classes as change_the_classes
from labeler.cycle.class_changes import effect, settled
from labeler.projects.class_keys import shown_classes

router = frame.resource("Classes")


class ClassFacts(BaseModel):
    name: str
    key: str = Field(description="On the labeling desk.")
    colour: str
    description: str
    pool_labels: int | None = Field(description="Pool items with this label; null where the token may not see items.")


class Classes(BaseModel):
    items: list[ClassFacts]
    change: int = Field(description="Number of the latest change of the classes; 0: none.")
    outside: dict[str, int] = Field(description="Labels that are none of the classes, and how many items have each.")


class NewChange(Body):
    """rename: one `old`, one `new`. merge: several `old`, one `new`. split: one `old`, several `new`. add: `new`.
    retire: `old`.
    """

    kind: ClassChangeKind
    old: list[str] = Field(default=[], description="Names of classes.")
    new: list[str] = Field(default=[], description="Names.")
    preview: bool = Field(default=False, description="Tell what the change would do, and change nothing.")


class ChangeEffect(BaseModel):
    number: int | None = Field(description="Of the change; null: it was a preview.")
    classes: list[str] = Field(description="Afterwards.")
    answers: int = Field(description="That read differently.")
    pool: int = Field(description="Items of the pool whose label is another one, or none.")
    holdout: int
    again_pool: int = Field(description="Items of the pool that have no label then and are asked again.")
    again_holdout: int
    unmeasurable: int = Field(description="Past rounds whose models cannot tell the classes apart.")
    too_old: int = Field(description="Past rounds of which too little is kept to measure them by the new classes.")


@router.get("/projects/{p}/classes", summary="The classes, with their keys and how many labels each has")
def get_classes(call: Annotated[ProjectCall, in_project("read", None)]) -> Classes:
    """In the order in which people see them."""
    sees_items = call.may("see_items")
    with call.project.store() as store:
        counts = store.items.counts().per_class if sees_items else {}
        outside, latest = store.class_changes.outside() if sees_items else {}, store.class_changes.latest()
    return Classes(
        items=[
            ClassFacts(
                **{part: shown[part] for part in ("name", "key", "colour", "description")},
                pool_labels=counts.get(shown["name"], 0) if sees_items else None,
            )
            for shown in shown_classes(call.project.config)
        ],
        change=latest,
        outside=outside,
    )


@router.post("/projects/{p}/classes/changes", summary="Rename, merge, split, add or retire classes")
def change_classes(
    call: Annotated[ProjectCall, in_project("manage", "change_classes")], asked: NewChange
) -> ChangeEffect:
    """Every answer is kept as it was given; labels move at once, and the next round goes by the new classes."""
    change, project = ClassChange(asked.kind, tuple(asked.old), tuple(asked.new)), call.project
    with project.store() as store:
        preview = effect(settled(project, store), store, change)
    number = None if asked.preview else change_the_classes(project, change, call.user.name)[1].number
    return ChangeEffect(
        number=number,
        classes=list(preview.classes),
        answers=preview.answers,
        pool=preview.pool,
        holdout=preview.holdout,
        again_pool=preview.again_pool,
        again_holdout=preview.again_holdout,
        unmeasurable=preview.unmeasurable,
        too_old=preview.too_old,
    )
