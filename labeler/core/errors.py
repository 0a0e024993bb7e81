"""Named exceptions. Each message is one sentence for the person who reads it: what is wrong and what to do."""

from labeler.i18n.messages import Message, mark

UNEXPECTED = mark("Unexpected {kind}: {error}. The worker's log has the details.")


class LabelerError(Exception):
    """Something a person can put right; the message says how.

    Args: message: in English, with its fields in braces. fields: what stands in them; `translate(error)` puts them
          into the translated message.
    """

    def __init__(self, message: str, /, **fields: object) -> None:
        text = Message(message, **fields)
        super().__init__(text)
        self.message, self.fields = text.message, text.fields


class ConfigError(LabelerError):
    """A project's settings do not hold together."""


class ProjectError(LabelerError):
    """A project folder is missing, taken, or not a project."""


class SourceError(LabelerError):
    """Nothing at all can be read from what was to be imported; single bad rows are reported, not raised."""


class BackboneError(LabelerError):
    """A backbone is unknown, its weights are missing, or they are not the ones that were published."""


class TrainingError(LabelerError):
    """The labels at hand cannot train a model, or the settings ask for what cannot be trained."""


class TooFewClassesError(TrainingError):
    """There is nothing to tell apart yet: label on."""


class AccessError(LabelerError):
    """Who asks is not known, or may not do this."""
