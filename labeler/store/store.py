"""A project's database, with an attribute for each thing that it stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from labeler.core.actor import Actor
from labeler.core.jobs import AdaptationRequest, ComparisonRequest, ImportRequest, MapRequest, TuningRequest
from labeler.core.settings import Config
from labeler.store.active_testing import ActiveTesting
from labeler.store.answers import Answers
from labeler.store.asked_next import AskedNext
from labeler.store.audit import AuditLog
from labeler.store.background import Audits, Background, EncoderComparisons, Takeouts
from labeler.store.catalogue import Catalogue
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database
from labeler.store.decisions import Decisions
from labeler.store.desk import Desk
from labeler.store.effort import Effort
from labeler.store.erasure import Erasure
from labeler.store.explanations import Explanations
from labeler.store.feeds import Feeds
from labeler.store.forecasts import Forecasts
from labeler.store.foreign import ForeignModels
from labeler.store.holdout import Holdout
from labeler.store.imports import Imports
from labeler.store.items import Items
from labeler.store.label_studio import LabelStudio
from labeler.store.pool import Pool
from labeler.store.refused import RefusedAnswers
from labeler.store.rescued import Rescued
from labeler.store.reviews import Reviews
from labeler.store.rounds import Rounds
from labeler.store.set_aside import SetAside
from labeler.store.settings_log import SettingsLog
from labeler.store.slices import Slices
from labeler.store.stops import Stops
from labeler.store.team import Team
from labeler.store.tracked import Tracked
from labeler.store.webhooks import Webhooks
from labeler.store.workload import Workload


class Store:
    """One connection, for one thread, and what it reads and writes. Close it, or use it as a context manager."""

    def __init__(self, path: Path | str, config: Config, actor: Actor | None = None) -> None:
        self.db = Database(path, config, actor)
        self.audit = AuditLog(self.db)
        self.settings_log = SettingsLog(self.db, self.audit)
        self.class_changes = ClassChanges(self.db)
        self.items = Items(self.db, self.class_changes)
        self.holdout = Holdout(self.db, self.items.later)
        self.pool = Pool(self.db)
        self.imports = Imports(self.db)
        self.feeds = Feeds(self.db)
        self.set_aside = SetAside(self.db, self.audit)
        self.forecasts = Forecasts(self.db, self.class_changes)
        self.foreign = ForeignModels(self.db, self.class_changes)
        self.team = Team(self.db)
        self.stops = Stops(self.db)
        self.audits = Audits(self.db)
        self.erasure = Erasure(self.db, self.audit, self.audits)
        self.rounds = Rounds(self.db, self.items, self.forecasts, self.audits, self.class_changes)
        self.desk = Desk(self.db, self.items, self.team, self.stops, self.rounds)
        self.answers = Answers(self.db, self.items, self.team, self.desk, self.rounds, self.class_changes)
        self.refused = RefusedAnswers(self.db)
        self.rescued = Rescued(self.db, self.items, self.team, self.rounds, self.class_changes, self.audits)
        self.asked_next = AskedNext(self.db)
        self.catalogue = Catalogue(self.db)
        self.explanations = Explanations(self.db)
        self.decisions = Decisions(self.db, self.audits)
        self.effort = Effort(self.db)
        self.reviews = Reviews(self.db)
        self.active_testing = ActiveTesting(self.db)
        self.slices = Slices(self.db)
        self.comparisons = Background(self.db, "comparisons", "comparison", ComparisonRequest)
        self.tunings = Background(self.db, "tunings", "search", TuningRequest)
        self.adaptations = Background(self.db, "adaptations", "adaptation", AdaptationRequest)
        self.encoder_comparisons = EncoderComparisons(self.db)
        self.takeouts = Takeouts(self.db)
        self.maps = Background(self.db, "maps", "map", MapRequest)
        self.import_jobs = Background(self.db, "import_jobs", "import", ImportRequest)
        self.workload = Workload(self.db)
        self.webhooks = Webhooks(self.db, self.audit)
        self.tracked = Tracked(self.db)
        self.label_studio = LabelStudio(self.db, self.audit)

    @property
    def path(self) -> Path:
        return self.db.path

    @property
    def config(self) -> Config:
        return self.db.config

    @config.setter
    def config(self, config: Config) -> None:
        self.db.config = config

    def has_background(self) -> bool:
        """Whether a comparison, search, adaptation or comparison of encoders is queued, or was left unfinished."""
        kinds = (self.comparisons, self.tunings, self.adaptations, self.encoder_comparisons)
        return any(jobs.waiting() for jobs in kinds)

    def version(self) -> tuple[int, ...]:
        """Numbers that change with everything that pages show, see `Database.version`."""
        return self.db.version()

    def uid(self) -> str:
        """What tells the project from any other, also from a later one of the same name."""
        return self.db.uid()

    def is_older(self) -> bool:
        """Whether the project had items before it had a uid, when browsers knew it by its folder's name."""
        return self.db.is_older()

    def created_at(self) -> str:
        """When the database was created: it tells a project from a later one in the same folder."""
        return self.db.created_at()

    @contextmanager
    def read(self) -> Iterator[None]:
        """A read transaction: all queries within see the database at one moment."""
        with self.db.read():
            yield

    @contextmanager
    def write(self) -> Iterator[None]:
        """A write transaction, whole or not at all."""
        with self.db.write():
            yield

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
