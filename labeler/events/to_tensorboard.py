"""A round → TensorBoard: its figures by the number of labels, in the folder `tensorboard` of the project."""

from labeler.events.run_facts import RunFacts


def track_round(facts: RunFacts) -> None:
    """Add a round to the run of its project, see `labeler.events.run_facts.TrackRound`."""
    from torch.utils.tensorboard import SummaryWriter  # deferred: it needs an extra

    with SummaryWriter(str(facts.folder / "tensorboard")) as writer:
        for name, value in facts.figures.items():
            writer.add_scalar(name, value, facts.labels)
        writer.add_text("settings", "\n".join(f"    {k} = {v!r}" for k, v in facts.settings.items()), facts.labels)
