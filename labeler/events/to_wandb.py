"""A round → Weights & Biases: one run a project, its figures by the number of labels, the model as an artifact.

Its own variables say where it writes: `WANDB_MODE=offline` keeps all on this machine, below the project's folder.
"""

from labeler.events.run_facts import RunFacts


def track_round(facts: RunFacts) -> None:
    """Add a round to the run of its project, see `labeler.events.run_facts.TrackRound`."""
    import wandb  # deferred: it is an extra

    settings = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False)
    with wandb.init(
        project="labeler", id=facts.project, name=facts.name, resume="allow", dir=str(facts.folder), settings=settings
    ) as run:
        run.config.update(dict(facts.settings), allow_val_change=True)
        run.define_metric("*", step_metric="labels")
        run.log({"labels": facts.labels, "round": facts.round, **facts.figures})
        if facts.files:
            artifact = wandb.Artifact(f"model-{facts.project}", "model", metadata={"round": facts.round})
            for path in facts.files:
                artifact.add_file(str(path))
            run.log_artifact(artifact)
