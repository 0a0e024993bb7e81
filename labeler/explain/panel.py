"""What the panel beside the desk tells an annotator about an item, and what it hides so that nobody is biased."""

from typing import Any, Literal

from labeler.access.roles import may
from labeler.access.users import User, is_lead
from labeler.core.blinding import is_blind
from labeler.core.errors import LabelerError, MissingError
from labeler.core.items import Item
from labeler.core.jobs import ExplanationKind
from labeler.i18n.messages import translate
from labeler.models import cards
from labeler.projects.columns import shown
from labeler.projects.project import Project
from labeler.store import Store

NEIGHBOURS = 5
BEGINNING = 160  # characters of a neighbour's text

# Why something is not shown; the panel has a sentence for each.
Hidden = Literal["blind", "never", "after", "no model"]


def why(
    project: Project, store: Store, user: User, item_id: int, part: ExplanationKind | None = None
) -> dict[str, Any]:
    """All that a person may know of why an item is asked, and what the model saw as far as it is revealed.

    Args:   part: what is asked for alone, see `explanation`.
    Raises: LabelerError: there is no such item, or it was never given to who asks and does not review.
    """
    item = of_item(store, item_id)
    if not may(user, project, "review") and not store.desk.is_offered(user.name, item.id):
        raise no_item(item.id)
    facts = {} if part else about(project, store, user.name, item)
    kind: ExplanationKind = part or "saw"
    return facts | {kind: explanation(project, store, user.name, item, kind)}


def about(project: Project, store: Store, annotator: str, item: Item) -> dict[str, Any]:
    """An item's nearest labeled neighbours, and for leads why it was queried, unless the item is blind.

    The strategy would tell pool from holdout. The model's prediction is part of `explanation`.
    """
    is_told = is_lead(User(annotator), project.config) and not is_blind(item)
    reason = store.explanations.reason_of(annotator, item.id) if is_told else None
    panel: dict[str, Any] = {"strategy": None, "neighbours": neighbours(project, store, annotator, item)}
    if reason is not None:
        family, summary = described(project, reason.strategy)
        panel["strategy"] = {
            "name": reason.strategy,
            "family": family,
            "summary": summary,
            "score": reason.score,
            "rank": reason.rank,
            "round": reason.round,
            "model": reason.model,
        }
    return panel


def described(project: Project, name: str) -> tuple[str, str]:
    """A strategy's family and its summary in the current language; empty for unknown strategies."""
    import strategies  # loads scikit-learn, which the desk does not need otherwise
    from labeler.projects.own_strategies import PAGE_SECONDS, own_strategies

    try:
        try:
            match = strategies.get(name)
        except strategies.UnknownStrategy:
            with own_strategies(project, PAGE_SECONDS):
                match = strategies.get(name)
    except strategies.StrategyError:
        return "", ""
    return translate(match.family), translate(match.summary)


def neighbours(project: Project, store: Store, annotator: str, item: Item) -> dict[str, Any]:
    """The nearest labeled items, among those whose label the annotator may know: own and imported labels.

    A blind item has none, since its neighbours' labels would hint at the model's prediction.
    """
    from labeler.explain.neighbours import nearest
    from labeler.learner.saved_models import normalizer_of  # loads scipy, which is needed only here

    if is_blind(item):
        return {"hidden": "blind", "items": []}
    path = latest_model(project, store)
    if path is None:
        return {"hidden": "no model", "items": []}
    labels = store.explanations.known_labels(annotator, project.config.labeling.show_others)
    weights = project.folder / path
    try:
        encoder, normalizer = cards.load(weights).encoder, normalizer_of(weights)
    except LabelerError:  # a newer model has just replaced it
        return {"hidden": "no model", "items": []}
    match = nearest(item.content_hash, labels, NEIGHBOURS, encoder, normalizer, project.embeddings)
    items = []
    for neighbour in match:
        item_id, label = labels[neighbour.content_hash]
        other = store.items.get(item_id)
        if other is not None:
            text = (other.text or "")[:BEGINNING] or None
            items.append(
                {"id": other.id, "label": label, "similarity": neighbour.similarity, "text": text}
                | {"media": other.picture, "metadata": shown(other, project.config)}
            )
    return {"hidden": None, "items": items}


def hidden(project: Project, store: Store, annotator: str, item: Item) -> Hidden | None:
    """Why the model's prediction for an item is hidden from this annotator; None if it may be shown."""
    reveal = project.config.labeling.reveal
    if reveal == "never":
        return "never"
    if is_blind(item):
        return "blind"
    if reveal == "after":
        answer = store.answers.get(annotator, item.id)
        return None if answer is not None and answer["action"] == "label" else "after"
    return None


def explanation(project: Project, store: Store, annotator: str, item: Item, kind: ExplanationKind) -> dict[str, Any]:
    """The state of an explanation, with its result once it is computed. The first request queues the computation.

    Returns: state: "hidden" with the reason, "queued", "running", "failed" with the error, or "done" with the result.
    """
    if because := hidden(project, store, annotator, item):
        return {"state": "hidden", "hidden": because}
    model = latest_model(project, store)
    if model is None:
        return {"state": "hidden", "hidden": "no model"}
    match = store.explanations.get_or_request(item.content_hash, model, kind)
    error = match.error and translate(match.error)
    return {"state": match.state, "result": match.result, "error": error, "model": model}


def latest_model(project: Project, store: Store) -> str | None:
    """The last round's model as a path below the project's folder; None if there is none."""
    trained = [model for model, _ in store.rounds.models()]
    return trained[-1] if trained and (project.folder / trained[-1]).exists() else None


def of_item(store: Store, item_id: int) -> Item:
    """The item of this id. Raises: LabelerError: there is none."""
    match = store.items.get(item_id)
    if match is None:
        raise no_item(item_id)
    return match


def no_item(item_id: int) -> MissingError:
    """The error about an item that is not there, or was not given to who asks."""
    return MissingError("There is no item {item_id} in this project.", item_id=item_id)
