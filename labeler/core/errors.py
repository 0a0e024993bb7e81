"""Exceptions whose message is a sentence for people: what is wrong and what to do."""

from labeler.i18n.messages import Message, mark

UNEXPECTED = mark("Unexpected {kind}: {error}. The worker's log has the details.")


class LabelerError(Exception):
    """A problem that a person can solve; the message says how.

    Args: message: in English, with its fields in braces. fields: what stands in them; `translate(error)` puts them
          into the translated message.
    """

    def __init__(self, message: str, /, **fields: object) -> None:
        text = Message(message, **fields)
        super().__init__(text)
        self.message, self.fields = text.message, text.fields


class ConfigError(LabelerError):
    """A project's settings are wrong or contradict each other."""


class TextClashError(LabelerError):
    """Somebody else has changed the same text meanwhile. `now` is the text of now, and nothing was saved."""

    now = ""


class ProjectError(LabelerError):
    """A project folder is missing, taken, or not a project."""


class MissingError(LabelerError):
    """What is asked for is not there, or not for who asks."""


class MissingProjectError(ProjectError, MissingError):
    """The project is not there, or not for who asks."""


class BusyError(LabelerError):
    """The same thing is being done already: come again in a moment."""


class SourceError(LabelerError):
    """A source of an import cannot be read at all. Single bad rows are reported, not raised."""


class ImageError(LabelerError):
    """The file of an image is missing, empty or damaged, or is no image."""


class ObjectError(ImageError):
    """An object of a store is not there, or the store does not give it."""


class StoreError(ObjectError):
    """A store gives no answer, or does not let this server read an object: that may be so for its other objects too."""


class UnnamedStoreError(SourceError, StoreError):
    """Whoever runs the server has not named the address: it is neither imported from nor read."""


class BackboneError(LabelerError):
    """A backbone is unknown, or its weights are missing or differ from the published ones."""


class TrainingError(LabelerError):
    """No model can be trained on these labels, or with these settings."""


class TooFewClassesError(TrainingError):
    """Fewer than two classes have labels yet."""


class EngineError(LabelerError):
    """What is to do large work cannot be reached: the work waits, and nothing of it has failed."""


class AccessError(LabelerError):
    """Nobody knows who sends the request."""


class ForbiddenError(AccessError):
    """The user is known and may not do this."""


class DatabaseError(LabelerError):
    """A database cannot be used as it is: who runs the server has to do something."""


class DamagedError(DatabaseError):
    """The file of a database is damaged, or its disk fails."""


class FullError(DatabaseError):
    """The disk of a database is full."""


class ReadOnlyError(DatabaseError):
    """A database cannot be written, or not be opened."""


class NewerError(DatabaseError):
    """A newer version of this program wrote the database."""
