"""What can be asked of a project on a server: the methods of `labeler.Project`, each as a few calls of the API."""

from labeler.client.verbs.exports import ExportVerbs
from labeler.client.verbs.feeds import FeedVerbs
from labeler.client.verbs.imports import ImportVerbs
from labeler.client.verbs.labeling import LabelingVerbs
from labeler.client.verbs.members import MemberVerbs
from labeler.client.verbs.predictions import PredictionVerbs
from labeler.client.verbs.rounds import RoundVerbs
from labeler.client.verbs.settings import SettingsVerbs, created
from labeler.client.verbs.webhooks import WebhookVerbs

__all__ = ["Verbs", "created"]


class Verbs(
    SettingsVerbs,
    ImportVerbs,
    FeedVerbs,
    LabelingVerbs,
    RoundVerbs,
    ExportVerbs,
    PredictionVerbs,
    MemberVerbs,
    WebhookVerbs,
):
    """All that can be asked of a project on a server, as steps: see `labeler.client.calls`."""
