"""What a round says of a change of the encoder."""

from collections.abc import Mapping, Sequence

from labeler.core.jobs import EncoderAnswer
from labeler.i18n.messages import Message, mark, sentences


def encoder_change(number: int, backbones: Mapping[int, str], answers: Sequence[EncoderAnswer]) -> Message | None:
    """That another encoder reads the items from a round on, and why where a comparison proposed it; None: none does.

    Args: backbones: of the rounds, see `Rounds.backbones`. answers: to what comparisons proposed, the latest first.
    """
    earlier = [round_ for round_ in backbones if round_ < number]
    if not earlier or backbones[number] == backbones[max(earlier)]:
        return None
    name, before = backbones[number], backbones[max(earlier)]
    change = mark("From this round on {name} reads the items; before it was {before}.", name=name, before=before)
    for answer in answers:
        if answer.answer == "used" and answer.report["proposal"] == name:
            by_itself = mark("The project's settings switched to it by themselves.") if not answer.by else ""
            return sentences(change, by_itself, answer.report["verdict"])
    return change
