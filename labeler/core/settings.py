"""The settings of a project: each with its type, its range, its default and one sentence that describes it."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Interval
from typing_extensions import Doc

from labeler.core import setting_rules
from labeler.core.events import Tracker
from labeler.core.items import ClassesAnItem, Modality, Reveal
from labeler.core.rounds import Rule
from labeler.core.setting_descriptions import described
from labeler.i18n.messages import mark

Auto = Literal["auto"]
FeedKind = Literal["folder", "bucket", "sql", "web"]
Augmentation = Literal["flip", "flip_vertical", "crop", "colour", "noise"]

# Ranges that several settings share.
Share = Annotated[float, Interval(ge=0, le=1)]
Rate = Annotated[float, Interval(ge=1e-7, le=1)]  # of learning


@dataclass(frozen=True)
class QueryConfig:
    """What is asked next."""

    strategy: Annotated[str, Doc("Query strategy that picks every batch after the seed set.")] = "auto"
    seeding: Annotated[str, Doc("Query strategy that picks the seed set, before there is a model.")] = "k_means"
    seed_size: Annotated[int, Interval(ge=2, le=100_000), Doc("Labels in the seed set.")] = 20
    batch: Annotated[int, Interval(ge=1, le=100_000), Doc("Labels between two rounds.")] = 20
    random_share: Annotated[
        Share,
        Doc(
            "Share of each batch that is drawn at random: the control arm of the learning curve. `auto` draws more"
            " where its choice seems to gain nothing."
        ),
    ] = 0.1
    candidates: Annotated[
        int,
        Interval(ge=100, le=10_000_000),
        Doc("Candidates that the strategy scores at most; a larger pool is sampled first."),
    ] = 50_000
    neighbour_share: Annotated[
        Share,
        Doc(
            "Share of each batch, and at most of the candidates, that are neighbours of labeled items of minority"
            " classes, where the pool is larger than the candidates; 0: none."
        ),
    ] = 0.25
    neighbours: Annotated[
        int, Interval(ge=1, le=10_000), Doc("Neighbours that each labeled item of a minority class adds at most.")
    ] = 100
    minority_share: Annotated[
        Share,
        Doc("A class with fewer labels than this share of what the classes have on average is a minority."),
    ] = 0.5
    more_of: Annotated[
        tuple[str, ...], Doc("Items that are asked about more often, each as `column=value` of an imported column.")
    ] = ()
    more_share: Annotated[
        Share, Doc("Share of the strategy's items that match `query.more_of`, as long as there are such items.")
    ] = 0.5


@dataclass(frozen=True)
class FinetuneConfig:
    """The levers of fine-tuning. `"auto"` is the value that was measured to be good for images or for texts.

    Layer groups ("blocks") are counted from the output: the head first, then the backbone's last block.
    """

    start: Annotated[
        Literal["pretrained", "last"],
        Doc("Weights that each round starts from: the pretrained ones, or the last round's, shrunk and perturbed."),
    ] = "pretrained"
    objective: Annotated[
        Literal["auto", "cross_entropy", "contrastive", "both"], Doc("Loss that fine-tuning minimises.")
    ] = "auto"
    unfrozen: Annotated[
        Annotated[int, Interval(ge=0, le=1000)] | Auto,
        Doc("Number of the backbone's last blocks that are trained; all other blocks stay frozen."),
    ] = "auto"
    head_epochs: Annotated[Share, Doc("Share of the epochs in which the head is trained alone.")] = 0.0
    gradual: Annotated[
        bool, Doc("Whether the blocks are unfrozen one after another, the last one first, once the head is trained.")
    ] = False
    epochs: Annotated[
        Annotated[int, Interval(ge=1, le=1000)] | Auto,
        Doc("Epochs of fine-tuning; fewer are run if they do not fit in `learner.round_seconds`."),
    ] = "auto"
    batch: Annotated[int, Interval(ge=2, le=4096), Doc("Items in a batch of the optimiser.")] = 32
    accumulate: Annotated[
        int, Interval(ge=1, le=1024), Doc("Batches whose gradients are summed before a step, where memory is short.")
    ] = 1
    learning_rate: Annotated[Rate | Auto, Doc("Learning rate of the backbone's last block.")] = "auto"
    head_learning_rate: Annotated[Rate, Doc("Learning rate of the head.")] = 1e-2
    decay: Annotated[
        Annotated[float, Interval(ge=0.01, le=1)] | Auto,
        Doc("Factor of the learning rate from each block to the one before it."),
    ] = "auto"
    schedule: Annotated[
        Literal["cosine", "one_cycle", "constant"], Doc("How the learning rate changes over the steps.")
    ] = "cosine"
    warmup: Annotated[float, Interval(ge=0, le=0.9), Doc("Share of the steps in which the learning rate rises.")] = 0.1
    early_stopping: Annotated[
        bool, Doc("Whether the weights of the epoch that was best on the validation slice are kept.")
    ] = False
    weight_decay: Annotated[Share, Doc("Weight decay of the optimiser.")] = 0.01
    l2_sp: Annotated[
        float, Interval(ge=0, le=10), Doc("Strength of the penalty (L2-SP) on the distance to the pretrained weights.")
    ] = 0.0
    dropout: Annotated[float, Interval(ge=0, le=0.9), Doc("Dropout before the head.")] = 0.0
    label_smoothing: Annotated[float, Interval(ge=0, le=0.5), Doc("Label smoothing of the cross-entropy.")] = 0.1
    class_weights: Annotated[
        Literal["none", "balanced"], Doc("Whether rare classes weigh more in the loss (`balanced`).")
    ] = "none"
    augment: Annotated[
        tuple[Augmentation, ...],
        Doc("Random changes of the training images; none by default, because a mirrored scan may mean something else."),
    ] = ()
    augment_strength: Annotated[Share, Doc("Strength of the crops, the colour changes and the noise.")] = 0.5
    cutmix: Annotated[
        Share | Auto,
        Doc("Share of the batches of images in which a rectangle of another image is pasted over each (CutMix)."),
    ] = "auto"
    token_dropout: Annotated[
        float, Interval(ge=0, le=0.9), Doc("Share of a text's tokens that are left out at each reading.")
    ] = 0.0
    frozen_batch_norm: Annotated[
        bool, Doc("Whether the statistics of batch normalisation stay those of the pretrained network.")
    ] = True
    mixed_precision: Annotated[
        bool, Doc("Whether bfloat16 is used where the device supports it; the weights stay in full precision.")
    ] = True
    refit: Annotated[
        bool | Auto,
        Doc("Whether the model is trained anew on all labels once it is validated; `auto`: if the time allows."),
    ] = "auto"
    networks: Annotated[
        Annotated[int, Interval(ge=1, le=16)] | Auto,
        Doc(
            "Number of the networks used side by side that are trained, the first ones; `auto`: one, and from 300"
            " labels on as many as the time allows."
        ),
    ] = "auto"
    compile: Annotated[bool, Doc("Whether `torch.compile` is used; it pays on a GPU with many labels.")] = False


@dataclass(frozen=True)
class LearnerConfig:
    """What learns."""

    kind: Annotated[
        Literal["auto", "frozen", "finetune"],
        Doc("A head on frozen features, a fine-tuned backbone, or whichever the number of labels allows (`auto`)."),
    ] = "auto"
    backbone: Annotated[
        str, Doc("Name or folder of the pretrained backbone; `auto` chooses one by the modality and the language.")
    ] = "auto"
    backbone_search: Annotated[
        Literal["propose", "switch", "off"],
        Doc(
            "Whether the backbones on this machine are compared on the project's labels, and one that is surely better"
            " is proposed on the Project page or taken by itself (`switch`)."
        ),
    ] = "propose"
    head: Annotated[
        str,
        Doc(
            "What learns on the frozen features: `linear`, another name (docs/learner.md lists them), a class such as"
            " `sklearn.ensemble:RandomForestClassifier`, or a class of a file in the project's folder such as"
            " `my_learner.py:Learner`."
        ),
    ] = setting_rules.LINEAR
    head_parameters: Annotated[
        dict[str, Any], Doc("Parameters of `learner.head` by name, as a table; those of `linear` are fixed.")
    ] = field(default_factory=dict)
    adapted: Annotated[
        bool, Doc("Whether learning starts from the weights that were adapted to the pool without labels.")
    ] = False
    prior: Annotated[
        Literal["auto", "off"],
        Doc(
            "Whether the linear heads start from the sentences about the classes and from imported predictions"
            " (`learner.prior_column`, `learner.prior_model`); the labels decide how much these count."
        ),
    ] = "auto"
    prior_column: Annotated[
        str,
        Doc(
            "Imported column with a class for each item, such as the guess of a language model, or with probabilities"
            " (`good: 0.8; bad: 0.2`, or JSON), to start from."
        ),
    ] = ""
    prior_model: Annotated[
        str,
        Doc(
            "Other model whose imported predictions the linear heads start from, by its name, or by name and version;"
            " empty: the newest one; `none`: no model. `learner.prior_column` comes before it."
        ),
    ] = ""
    input_size: Annotated[int, Interval(ge=32, le=1024), Doc("Side in pixels that images are scaled to.")] = 128
    decoded_gigabytes: Annotated[
        float,
        Interval(ge=0, le=100_000),
        Doc(
            "Gigabytes of decoded images that are kept on disk where a backbone is fine-tuned, so that no round decodes"
            " them again; 0: none."
        ),
    ] = 4.0
    members: Annotated[int, Interval(ge=2, le=100), Doc("Members of the committee.")] = 5
    committee: Annotated[
        Literal["bootstrap", "dropout", "snapshots"], Doc("How the members of the committee come to differ.")
    ] = "bootstrap"
    round_seconds: Annotated[
        float,
        Interval(ge=1, le=86_400),
        Doc("Seconds that fine-tuning may take in a round; scoring the pool may take as many again."),
    ] = 60.0
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)


@dataclass(frozen=True)
class LabelingConfig:
    """How answers are collected."""

    overlap: Annotated[int, Interval(ge=1, le=100), Doc("Annotators that an overlapped item is given to.")] = 1
    overlap_share: Annotated[
        Share, Doc("Share of the items that are overlapped, where `labeling.overlap` is more than 1.")
    ] = 1.0
    holdout_share: Annotated[
        float,
        Interval(ge=0, le=0.9),
        Doc("Share of the queue that is given to unlabeled holdout items until all of them have a label."),
    ] = 0.2
    reservation_seconds: Annotated[
        float,
        Interval(ge=5, le=86_400),
        Doc("Seconds after which an unanswered item goes to somebody else."),
    ] = 60.0
    reveal: Annotated[
        Reveal,
        Doc("When annotators see the model's prediction; holdout items are always answered without it."),
    ] = "never"
    show_others: Annotated[bool, Doc("Whether annotators may see what others answered.")] = False
    grid: Annotated[bool, Doc("Whether the desk offers to confirm many items of one predicted class at once.")] = False
    qualification: Annotated[
        int, Interval(ge=0, le=1000), Doc("Items with known answers that a new annotator answers first.")
    ] = 0
    qualification_pass: Annotated[Share, Doc("Share of the qualification items that must be answered right.")] = 0.8
    paused: Annotated[bool, Doc("Whether labeling is paused: nobody is given items.")] = False
    keywords: Annotated[
        tuple[str, ...], Doc("Words that are highlighted in texts, whether written in capitals or not.")
    ] = ()
    show_columns: Annotated[
        tuple[str, ...], Doc("Imported columns that annotators see beside the item; the others stay on the server.")
    ] = ()
    relabel: Annotated[
        bool,
        Doc("Whether overlap goes to labels in doubt where a second label teaches more than a new item."),
    ] = True


@dataclass(frozen=True)
class EvaluationConfig:
    """How models are measured on the holdout."""

    active_testing: Annotated[
        bool, Doc("Whether the holdout items that tell most about the accuracy are labeled first, and weighted for it.")
    ] = False
    group_column: Annotated[
        str,
        Doc("Imported column whose values are groups, such as patients: each is wholly in the pool or in the holdout."),
    ] = ""
    later_share: Annotated[
        float,
        Interval(ge=0.0, le=0.5),
        Doc("Share of the items of later imports that is drawn into the holdout, so that figures hold for them too."),
    ] = 0.0
    later_most: Annotated[
        int,
        Interval(ge=0, le=100_000),
        Doc("Items that are drawn into the holdout so in 30 days, at most: each has to be labeled."),
    ] = 300


@dataclass(frozen=True)
class DicomConfig:
    """How DICOM files are imported."""

    deidentify: Annotated[
        bool, Doc("Whether imported files lose all fields but those that draw the image and those in `dicom.keep`.")
    ] = False
    keep: Annotated[
        tuple[str, ...],
        Doc("Fields, by the standard's keywords, that stay in de-identified files and become columns of the items."),
    ] = ("Modality", "BodyPartExamined", "Manufacturer", "ManufacturerModelName")
    drop_columns: Annotated[
        tuple[str, ...],
        Doc("Columns that imports of tables do not store, such as names of patients; `*`: all. Groups get pseudonyms."),
    ] = ()
    stacks: Annotated[
        bool, Doc("Whether the slices of a series that are in one folder become one item, a stack to scroll.")
    ] = True


@dataclass(frozen=True)
class StoppingConfig:
    """When labeling may stop. The lead decides; only the rules in `stop_when` stop by themselves."""

    stop_when: Annotated[tuple[Rule, ...], Doc("Stopping rules that stop the labeling by themselves.")] = ()
    kappa: Annotated[
        Share, Doc("Rule `stable`: mean agreement (kappa) of successive models, from which on they count as stable.")
    ] = 0.99
    kappa_rounds: Annotated[
        int, Interval(ge=1, le=100), Doc("Rule `stable`: rounds over which the agreement is averaged.")
    ] = 3
    uncertainty: Annotated[
        Share, Doc("Rule `confident`: mean of 1 − the highest probability, below which the model counts as confident.")
    ] = 0.05
    gain: Annotated[
        Share, Doc("Rule `gain`: expected gain in accuracy from the next batch, below which labeling stops.")
    ] = 0.002


@dataclass(frozen=True)
class TeamConfig:
    """Who leads, what an hour costs, and what is shown about people."""

    leads: Annotated[
        tuple[str, ...],
        Doc("Names of the leads, who see everybody's figures and review labels; empty: everybody is a lead."),
    ] = ()
    show: Annotated[
        tuple[Literal["items", "speed", "agreement", "skips"], ...], Doc("Figures that are shown about annotators.")
    ] = ("items", "speed", "agreement", "skips")
    rate: Annotated[
        float, Interval(ge=0, le=1_000_000_000), Doc("Cost of an hour of an annotator who has no rate of their own.")
    ] = 0.0
    currency: Annotated[str, Doc("Currency that costs are shown in.")] = "USD"
    idle_seconds: Annotated[
        int,
        Interval(ge=5, le=86_400),
        Doc("Seconds that an answer counts at most as working time; a longer one is taken for a break."),
    ] = 300


@dataclass(frozen=True)
class LimitsConfig:
    """What work that runs in a process of its own may take before it is ended."""

    strategy_seconds: Annotated[
        float,
        Interval(ge=1, le=86_400),
        Doc(
            "Seconds that the project's own files may take: those of strategies to be read and to choose items once,"
            " those of learners to be read, to be fitted once and to predict 1,024 items."
        ),
    ] = 120.0
    strategy_megabytes: Annotated[
        float,
        Interval(ge=64, le=10_000_000),
        Doc("Memory in MB that the project's own strategy and learner files may take beside what they are given."),
    ] = 4096.0
    import_seconds: Annotated[
        float, Interval(ge=1, le=86_400), Doc("Seconds without progress after which an import is ended.")
    ] = 300.0
    import_megabytes: Annotated[
        float, Interval(ge=64, le=10_000_000), Doc("Memory in MB that reading imported files may take.")
    ] = 2048.0
    image_megapixels: Annotated[
        float, Interval(ge=0.001, le=178), Doc("Millions of pixels that an imported image may have.")
    ] = 100.0
    unpacked_gigabytes: Annotated[
        float, Interval(ge=0.001, le=100_000), Doc("Size in GB that an imported zip of images may unpack to.")
    ] = 50.0
    table_megabytes: Annotated[
        float,
        Interval(ge=1, le=1_000_000),
        Doc("Size in MB that an imported Parquet file or workbook may unpack to."),
    ] = 2048.0
    table_rows: Annotated[int, Interval(ge=1, le=100_000_000), Doc("Rows that an imported table may have.")] = (
        20_000_000
    )
    table_columns: Annotated[int, Interval(ge=1, le=16_384), Doc("Columns that an imported table may have.")] = 2000
    object_cache_gigabytes: Annotated[
        float,
        Interval(ge=0.01, le=100_000),
        Doc("Gigabytes of images from object stores that are kept on this machine; the least used go first."),
    ] = 5.0
    text_characters: Annotated[
        int, Interval(ge=1, le=30_000_000), Doc("Characters that an imported text, or another cell, may have.")
    ] = 1_000_000


@dataclass(frozen=True)
class EngineConfig:
    """What does large work: embedding, training, scoring, simulations."""

    kind: Annotated[Literal["local", "ray"], Doc("What does large work: this machine, or a Ray cluster.")] = "local"
    address: Annotated[str, Doc("Address of the Ray cluster's head, as `host:port`.")] = ""


@dataclass(frozen=True)
class TrackingConfig:
    """Other programs that keep the rounds, too."""

    to: Annotated[
        tuple[Tracker, ...],
        Doc("Trackers of experiments that each round is written to; their own variables say where (docs/events.md)."),
    ] = ()


@dataclass(frozen=True)
class ClassDetail:
    """How the desk shows a class; an empty value is chosen by the desk or left out."""

    key: Annotated[str, Doc("Key that answers with the class.")] = ""
    colour: Annotated[str, Doc("Colour of the class, as `#rrggbb`.")] = ""
    description: Annotated[str, Doc("Sentence about the class that annotators see.")] = ""
    group: Annotated[
        str, Doc("Group of the class: classes of a group stand together and can be assigned to annotators.")
    ] = ""


@dataclass(frozen=True)
class FeedConfig:
    """Where new items come from by themselves, see docs/feeds.md."""

    kind: Annotated[
        FeedKind,
        Doc("A folder of the server, objects of a store, a query of a database, or an address in the web."),
    ]
    place: Annotated[
        str,
        Doc(
            "Path of the folder, address of the objects, name of the database in the server's environment, or web"
            " address, in which `{since}` stands for the largest value of `cursor` but one so far."
        ),
    ]
    every: Annotated[int, Interval(ge=1, le=100_000), Doc("Minutes between two looks.")] = 15
    paused: Annotated[bool, Doc("Whether nobody looks for new items there.")] = False
    query: Annotated[
        str, Doc("Query that gives the new rows; `:since` in it is the largest value of `cursor` so far.")
    ] = ""
    cursor: Annotated[str, Doc("Column whose values only grow, such as a number or a time.")] = ""
    start: Annotated[str, Doc("What `:since` or `{since}` is before the first look.")] = "0"
    text: Annotated[str, Doc("Column of the texts; empty: as an import guesses it.")] = ""
    image: Annotated[str, Doc("Column with the addresses of the images; empty: as an import guesses it.")] = ""
    label: Annotated[str, Doc("Column of labels that are known; empty: none are.")] = ""
    group: Annotated[str, Doc("Column of what items belong to, such as a patient; `folder`: their folder.")] = ""


@dataclass(frozen=True)
class Config:
    """A project's settings."""

    name: Annotated[str, Doc("Name of the project that people see.")]
    classes: Annotated[tuple[str, ...], Doc("Names of the classes, at least two.")]
    modality: Annotated[Modality, Doc("What is labeled.")] = "image"
    answers: Annotated[
        ClassesAnItem, Doc("Classes that an item has: exactly one, or several, which may be none (multi-label).")
    ] = "one"
    target_accuracy: Annotated[
        Share,
        Doc("Accuracy on the holdout that labeling aims at; with several classes: exact matches of the whole set."),
    ] = 0.9
    budget: Annotated[int, Interval(ge=1, le=10_000_000), Doc("Answers with a label that are paid in all.")] = 1000
    query: QueryConfig = field(default_factory=QueryConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    labeling: LabelingConfig = field(default_factory=LabelingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    dicom: DicomConfig = field(default_factory=DicomConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    team: TeamConfig = field(default_factory=TeamConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    class_details: dict[str, ClassDetail] = field(default_factory=dict)  # by class, those that have details
    feeds: dict[str, FeedConfig] = field(default_factory=dict)  # by their names

    def __post_init__(self) -> None:
        setting_rules.check_name(self.name)
        setting_rules.check_classes(self.classes)
        setting_rules.check_objective(self.learner.finetune.objective, self.several)
        setting_rules.check_head(
            self.learner.head, bool(self.learner.head_parameters), self.learner.kind, self.learner.committee
        )
        setting_rules.check_more_of(self.query.more_of)
        setting_rules.check_engine(self.engine.kind, self.engine.address)
        setting_rules.check_class_details(
            self.classes,
            keys={name: detail.key for name, detail in self.class_details.items()},
            colours={name: detail.colour for name, detail in self.class_details.items()},
        )
        for name, feed in self.feeds.items():
            setting_rules.check_feed(name, feed.kind, feed.place, feed.query, feed.cursor)
        setting_rules.check_ranges(self, described(Config))

    @property
    def several(self) -> bool:
        """Whether an item has several classes, or none."""
        return self.answers == "several"

    @property
    def accuracy(self) -> str:
        """What the share of right answers is called: with several classes an answer is a whole set."""
        return mark("subset accuracy") if self.several else mark("accuracy")

    @property
    def outcomes(self) -> int:
        """How many outcomes a decision of the model has: the classes, or yes and no for each of several."""
        return 2 if self.several else len(self.classes)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, e.g. to be stored with a round."""
        return asdict(self) | {"classes": list(self.classes)}
