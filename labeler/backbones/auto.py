"""What `learner.backbone = "auto"` stands for: the strongest encoder on this machine for a project's inputs.

The choice is made once, when the project gets its first items, and kept in a file beside its features, so that the
features of all its rounds are comparable, whatever is fetched later.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from labeler.backbones.catalogue import CHARACTERS, ENCODERS, JOINT, Content, available, is_here, strength
from labeler.backbones.tfidf import STATE
from labeler.backbones.weights import Package, key
from labeler.core.items import Modality
from labeler.core.settings import LearnerConfig
from labeler.core.whole_files import write_whole
from labeler.i18n.messages import Message, mark, sentences

AUTO = "auto"
FILE = "auto.json"  # beside the features
SAMPLE = 500  # texts whose letters are looked at
FOREIGN = 0.05  # share of letters outside the Latin script from which on texts are not English alone
ENGLISH = 0.04  # share of English function words from which on texts in Latin script are English

# Words that are frequent in English and rare in other languages of Latin script.
FUNCTION_WORDS = frozenset(
    ("the", "and", "of", "to", "is", "that", "it", "for", "was", "with", "this", "you", "are", "but", "not", "have")
)

# What `auto` was before there was a catalogue: projects of that time keep it.
FORMER_IMAGE, FORMER_LATIN = "tf_efficientnet_lite0", "all-MiniLM-L6-v2"
FORMER_TOKENS = 256  # tokens that FORMER_LATIN read of a text


@dataclass(frozen=True)
class Choice:
    """An encoder that was chosen for a project, and why.

    backbone: as `learner.backbone` names it. content: what it was chosen for. latin, korean: shares of the letters of
    a sample of the texts, 0 for images. former: whether the features were there before encoders were chosen by
    strength.
    """

    backbone: str
    content: Content
    latin: float = 0.0
    korean: float = 0.0
    former: bool = False

    def why(self) -> Message:
        """One sentence: which encoder reads the items, and why this one."""
        if self.former:
            return mark(
                "Encoder: {name}, which made this project's features before stronger ones were known.",
                name=self.backbone,
            )
        if self._is_outdone():
            return mark(
                "Encoder: {name}, which was the strongest on this machine when it was chosen.", name=self.backbone
            )
        if self.content == "images":
            return mark("Encoder: {name}, the strongest for images on this machine.", name=self.backbone)
        if self.content == "English":
            return mark("Encoder: {name}, the strongest for English texts on this machine.", name=self.backbone)
        return mark(
            "Encoder: {name}, the strongest on this machine for these texts ({latin:.0%} of the letters are Latin,"
            " {korean:.0%} Korean).",
            name=self.backbone,
            latin=self.latin,
            korean=self.korean,
        )

    def _is_outdone(self) -> bool:
        """Whether a stronger encoder for these items has been fetched since."""
        order, here = _order(self.content, self.latin), available("image" if self.content == "images" else "text")
        own = order.get(self.backbone)
        return own is not None and any(order.get(name, 0.0) > own for name in here)

    def stronger(self) -> Message | None:
        """One sentence on the strongest encoder that could be had for these items; None: this is it."""
        order = _order(self.content, self.latin)
        best = max(order, key=order.__getitem__)
        if self.backbone not in order or order[best] <= order[self.backbone]:
            return None
        missing = [name for name in best.split(JOINT) if name in ENCODERS and not is_here(ENCODERS[name])]
        fetch = mark("`python -m labeler models fetch {name}` brings it here.", name=missing[0]) if missing else ""
        evidence = mark(
            "{name} is stronger: right in {better:.1%} where {chosen} is in {now:.1%}, on average from 20 to 500"
            " labels (measured on other data; docs/benchmarks/encoders.md).",
            name=best,
            better=order[best],
            chosen=self.backbone,
            now=order[self.backbone],
        )
        return sentences(evidence, fetch)


def resolved(learner: LearnerConfig, modality: Modality, texts: Sequence[str] | None, folder: Path) -> Choice | None:
    """What `auto` stands for in a project: as it was chosen, else chosen now and kept. None: the settings name another.

    Args: texts: the project's texts, all of them; None for images. folder: of its features.
    """
    if learner.backbone != AUTO:
        return None
    choice = recorded(folder) or former(learner, modality, texts or (), folder)
    if choice is None:
        choice = strongest(modality, texts or ())
        if modality == "text" and not texts:
            return choice  # there is nothing to go by yet
    if recorded(folder) is None:
        folder.mkdir(exist_ok=True)  # not the project that it is in, which may have been moved away
        write_whole(folder / FILE, json.dumps(asdict(choice)))
    return choice


def recorded(folder: Path) -> Choice | None:
    """The choice that is kept beside a project's features; None: there is none yet, or it cannot be read."""
    try:
        return Choice(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def former(learner: LearnerConfig, modality: Modality, texts: Sequence[str], folder: Path) -> Choice | None:
    """The choice of an older version, if the project has features of it; None: it has none."""
    latin, korean = scripts(texts)
    if modality == "image":
        source = ENCODERS[FORMER_IMAGE].source
        assert isinstance(source, Package)
        if (folder / key(FORMER_IMAGE, source.sha256, learner.input_size)).is_dir():
            return Choice(FORMER_IMAGE, "images", former=True)
    elif latin > 0.5:
        source = ENCODERS[FORMER_LATIN].source
        assert isinstance(source, Package)
        if (folder / key(FORMER_LATIN, source.sha256, FORMER_TOKENS)).is_dir():
            return Choice(FORMER_LATIN, content_of(modality, texts), latin, korean, former=True)
    elif (folder / STATE).exists():
        return Choice(CHARACTERS, content_of(modality, texts), latin, korean, former=True)
    return None


def strongest(modality: Modality, texts: Sequence[str]) -> Choice:
    """The strongest encoder on this machine, or several together, by what was measured for such inputs.

    Encoders that nobody has measured are never chosen. Where no encoder here reads the language of texts in Latin
    script, that is one of English.
    """
    content, (latin, korean) = content_of(modality, texts), scripts(texts)
    order, here = _order(content, latin), available(modality)
    if not any(name in order for name in here):
        order = strength("English")
    return Choice(max((name for name in here if name in order), key=order.__getitem__), content, latin, korean)


def _order(content: Content, latin: float) -> dict[str, float]:
    """The strength of the encoders that `auto` may choose for such inputs. latin: share of the letters."""
    order = strength(content)
    if content != "texts" or latin <= 0.5:
        return order
    # n-grams beside an encoder help with Korean and do harm with English: Latin script is read by words
    return {name: value for name, value in order.items() if CHARACTERS not in name.split(JOINT)}


def readable(modality: Modality, texts: Sequence[str]) -> list[str]:
    """The encoders on this machine that can read such inputs, with those used together.

    One of English reads other texts in Latin script as well, if badly, and one of Korean is of no use without Korean.
    """
    if modality == "image":
        return available(modality)
    latin, korean = scripts(texts)
    foreign = {"English": latin <= 0.5, "Korean": korean < FOREIGN}
    return [
        name
        for name in available(modality)
        if not any(part in ENCODERS and foreign.get(str(ENCODERS[part].reads)) for part in name.split(JOINT))
    ]


def content_of(modality: Modality, texts: Sequence[str]) -> Content:
    """What is to be read: images, texts in English, or texts in any other language or in several."""
    if modality == "image":
        return "images"
    latin, _korean = scripts(texts)
    words = [word.strip(".,;:!?\"'()").lower() for text in sample(texts) for word in text.split()]
    english = sum(word in FUNCTION_WORDS for word in words) > ENGLISH * len(words)
    return "English" if english and latin > 1 - FOREIGN else "texts"


def scripts(texts: Sequence[str]) -> tuple[float, float]:
    """The shares of the letters that are of Latin script and of Hangul, in a sample of the texts; 0 without letters."""
    letters = [_script(letter) for text in sample(texts) for letter in text if letter.isalpha()]
    n = max(len(letters), 1)
    return letters.count("LATIN") / n, letters.count("HANGUL") / n


def sample(texts: Sequence[str]) -> Iterator[str]:
    """Evenly spaced texts, each cut after 2,000 characters."""
    return (text[:2000] for text in texts[:: max(1, len(texts) // SAMPLE)])


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    # full-width Latin letters are Latin as well
    name = unicodedata.name(letter, "")
    return next((script for script in ("LATIN", "HANGUL") if script in name), "")
