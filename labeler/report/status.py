"""Where a project stands, as plain values: what `labeler status` prints, and programs read."""

from dataclasses import asdict
from typing import Any

from labeler.access.users import User
from labeler.access.visibility import counts as counts_for
from labeler.access.visibility import sees_sides
from labeler.core.class_changes import labels_outside
from labeler.cycle.drift import loaded
from labeler.cycle.encoder_choice import about_encoder, choice_of
from labeler.i18n.messages import translate
from labeler.measure.foreign import as_values, compared
from labeler.projects.project import Project
from labeler.report.sentences.arrivals import coverage
from labeler.report.sentences.counts import paid_in_words, sum_in_words
from labeler.report.sentences.drift import has_changed
from labeler.report.sentences.drift import sentences as drift_sentences
from labeler.report.sentences.foreign import in_words
from labeler.report.sentences.groups import split_in_words, warnings


def status(project: Project, user: User | None = None) -> dict[str, Any]:
    """Numbers of items, labels and rounds, the latest metrics, the round that is asked for, and sentences on them.

    Args: user: who asks; None: who reads the project's files. What is counted of pool and holdout apart is as of the
          latest round for those who must not know which items are in the holdout.
    """
    config, sides = project.config, sees_sides(user, project)
    with project.store() as store:
        counts, rounds, job = counts_for(store, user, project), store.rounds.all(), store.rounds.latest_job()
        outside, groups = store.class_changes.outside(), store.items.group_counts()
        models = compared(store) if sides else []  # measured on the labels of this moment
        drift = loaded((store.audits.latest_report() or {}).get("drift"))
        choice, encoder = choice_of(project, store), [translate(text) for text in about_encoder(project, store)]
    latest = next((r.metrics for r in reversed(rounds) if r.metrics), None)
    return {
        "name": config.name,
        "pool": counts.pool,
        "labeled": counts.labeled,
        "holdout": counts.holdout,
        "holdout_labeled": counts.holdout_labeled,
        "labels_spent": counts.answers_by_people,
        "answers_left": counts.answers_left(config.budget),
        "pool_open": counts.open.pool,
        "holdout_open": counts.open.holdout,
        "budget": config.budget,
        "rounds": len(rounds),
        "accuracy": latest and latest.accuracy,
        "accuracy_low": latest and latest.low,
        "accuracy_high": latest and latest.high,
        "micro_f1": latest and latest.micro_f1,
        "measured_on": latest and latest.n,
        "measured_on_groups": latest and latest.groups,
        "measured_on_later": latest and latest.later,
        "new_items_differ": drift and has_changed(drift),
        "later_items": counts.newer.stand_for,
        "later_items_without_share": counts.newer.without,
        "measure": translate(config.accuracy),
        "groups": groups and asdict(groups),
        "target_accuracy": config.target_accuracy,
        "labels_outside_the_classes": outside,
        "models": [as_values(of) | {"in_words": in_words(of, config)} for of in models],
        "encoder": choice.backbone if choice else config.learner.backbone,
        "job": job and {"state": job.state, "reason": job.reason, "message": job.message, "error": job.error},
        "error": translate(labels_outside(outside)) if outside else None,
        "sentences": [
            sum_in_words(counts, config.budget) if sides else paid_in_words(counts, config.budget),
            *([split_in_words(groups), *warnings(groups)] if groups else []),
            *coverage(counts.newer),
            *drift_sentences(drift, counts.open),
        ],
        "about_encoder": encoder,
    }
