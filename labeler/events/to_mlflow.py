"""A round → MLflow: one run a project, its figures by the number of labels, models, cards and settings as artifacts.

Where the runs are kept says MLflow's own variable, `MLFLOW_TRACKING_URI`.
"""

import time

from labeler.events.run_facts import RunFacts

# Imports of mlflow are deferred: it is an extra.

TAG = "labeler.project"  # of a run: the uid of its project


def track_round(facts: RunFacts) -> None:
    """Add a round to the run of its project, see `labeler.events.run_facts.TrackRound`."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient()
    experiment = client.get_experiment_by_name(facts.name)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(facts.name)
    runs = client.search_runs([experiment_id], f"tags.`{TAG}` = '{facts.project}'", max_results=1)
    run = runs[0] if runs else client.create_run(experiment_id, tags={TAG: facts.project}, run_name=facts.name)
    run_id, at = run.info.run_id, round(time.time() * 1000)
    client.log_batch(run_id, [Metric(name, value, at, facts.labels) for name, value in facts.figures.items()])
    folder = f"round-{facts.round:04d}"
    client.log_dict(run_id, dict(facts.settings), f"{folder}/settings.json")
    for path in facts.files:
        client.log_artifact(run_id, str(path), folder)
    client.set_tag(run_id, "labeler.round", facts.round)
