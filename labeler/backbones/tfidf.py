"""Features of a text's own characters, for scripts that the pretrained encoder cannot read: n-grams → TF-IDF → SVD."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from labeler.backbones.catalogue import CHARACTERS
from labeler.core.errors import BackboneError
from labeler.core.inputs import Input, at
from labeler.core.items import Progress
from labeler.core.whole_files import whole_file

# Imports of sklearn are deferred: it is slow to load.

STATE = "char_tfidf.npz"

# Chosen on Korean film reviews (bench: random sampling, 20–500 labels); longer n-grams and more columns of the
# SVD cost time and gain nothing there.
SETTINGS: dict[str, Any] = {"ngrams": [1, 3], "max_features": 30_000, "min_df": 3, "columns": 96, "layout": 1}
FITTED = 50_000  # texts that it is fitted to at most: more of them take time and memory, and change next to nothing


@dataclass(frozen=True)
class CharTfidf:
    """An encoder that is fitted to a project's texts: TF-IDF of character n-grams, projected on its main axes.

    vocabulary: v n-grams. idf: (v,) float32. axes: (columns, v) float32. fitted_to: how many texts it was fitted to.
    """

    vocabulary: tuple[str, ...]
    idf: np.ndarray
    axes: np.ndarray
    fitted_to: int

    @property
    def name(self) -> str:
        return CHARACTERS

    @cached_property
    def key(self) -> str:
        """Identifies the fit: another fit gives other features."""
        digest = hashlib.sha256(_to_bytes([SETTINGS, self.vocabulary]))
        digest.update(self.idf.tobytes() + self.axes.tobytes())
        return digest.hexdigest()[:16]

    @property
    def dims(self) -> tuple[int, ...]:
        return (len(self.axes),)

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        """(n, columns) float32 for n texts."""
        counts = self._vectorizer.transform([str(text) for text in inputs])
        features = np.asarray(counts @ self.axes.T, dtype=np.float32)
        if on_progress:
            on_progress(len(inputs), len(inputs))
        return features

    def encode_characters(self, text: str) -> np.ndarray:
        """(len(text), columns) float32 that sum to the text's features: each n-gram's part, shared by its letters."""
        counts = self._vectorizer.transform([text])
        vocabulary = self._vectorizer.vocabulary_
        places: dict[int, list[list[int]]] = {}
        for gram, letters in _grams(text):
            if gram in vocabulary:
                places.setdefault(vocabulary[gram], []).append(letters)
        features = np.zeros((len(text), len(self.axes)), dtype=np.float32)
        for column, value in zip(counts.indices, counts.data, strict=True):
            for letters in places[column]:
                np.add.at(features, letters, value / len(places[column]) / len(letters) * self.axes[:, column])
        return features

    @cached_property
    def _vectorizer(self) -> Any:
        vectorizer = _new_vectorizer(vocabulary=self.vocabulary)
        vectorizer.idf_ = self.idf
        return vectorizer

    def save(self, path: Path) -> None:
        """Write the fit to one file, whole or not at all; JSON and plain arrays, nothing that is unpickled."""
        about = {"settings": SETTINGS, "fitted_to": self.fitted_to, "vocabulary": self.vocabulary}
        header = np.frombuffer(_to_bytes(about), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part, part.open("wb") as file:
            np.savez(file, about=header, idf=self.idf, axes=self.axes)


def load_or_fit(texts: Sequence[str], folder: Path, on_progress: Progress | None = None) -> CharTfidf:
    """The fit that is kept in `folder`, or a new one if more than twice as many texts can be fitted to by now.

    Keeping it lets items that come later be compared with those before; a new fit means that all are encoded anew.

    Args:    texts: the project's texts. on_progress: called with (done, total) of the steps of a fit.
    Raises:  BackboneError: there are no texts to fit to.
    """
    kept = load(folder / STATE)
    if kept and min(len(texts), FITTED) <= 2 * kept.fitted_to:
        return kept
    fitted = fit(texts, on_progress)
    fitted.save(folder / STATE)
    return fitted


def fit(texts: Sequence[str], on_progress: Progress | None = None) -> CharTfidf:
    """An encoder fitted to the texts, evenly spaced ones if there are more than `FITTED`; the same give the same one.

    Raises: BackboneError: no text holds a character other than spaces.
    """
    from sklearn.decomposition import TruncatedSVD

    report = on_progress or (lambda done, total: None)
    report(0, 2)
    if len(texts) > FITTED:
        texts = [str(text) for text in at(texts, np.linspace(0, len(texts) - 1, FITTED, dtype=np.intp))]
    # n-grams of a few texts hardly repeat
    min_df = SETTINGS["min_df"] if len(texts) >= 500 else 1
    vectorizer = _new_vectorizer(max_features=SETTINGS["max_features"], min_df=min_df)
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise BackboneError(
            "there are no texts with letters to fit char_tfidf to: import texts first, or choose another "
            "learner.backbone."
        ) from error
    report(1, 2)
    columns = min(SETTINGS["columns"], *counts.shape)
    with np.errstate(invalid="ignore"):  # texts that are all equal have no variance, which is of no interest here
        svd = TruncatedSVD(columns, n_iter=4, random_state=0).fit(counts)
    report(2, 2)
    vocabulary = tuple(vectorizer.get_feature_names_out().tolist())
    return CharTfidf(vocabulary, vectorizer.idf_.astype(np.float32), svd.components_.astype(np.float32), len(texts))


def load(path: Path) -> CharTfidf | None:
    """The fit that was saved at `path`; None if there is none, or it cannot be used any more."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes().decode("utf-8", "surrogatepass"))
            if about["settings"] != SETTINGS:
                return None
            return CharTfidf(tuple(about["vocabulary"]), arrays["idf"], arrays["axes"], about["fitted_to"])
    except (OSError, ValueError, KeyError, BadZipFile, EOFError):
        return None


def _grams(text: str) -> Iterator[tuple[str, list[int]]]:
    """The n-grams that the vectorizer finds in a text, and the characters that each is made of.

    A space that it puts before or after a word counts as the letter beside it.
    """
    owners = [place for place, letter in enumerate(text) for _ in letter.lower()]  # of a few there become two
    letters = list(zip(owners, text.lower(), strict=True))
    low, high = SETTINGS["ngrams"]
    for space, group in groupby(letters, key=lambda letter: letter[1].isspace()):
        if space:
            continue
        word = list(group)
        word = [(word[0][0], " "), *word, (word[-1][0], " ")]
        for n in range(low, high + 1):
            for start in range(len(word) - n + 1):
                part = word[start : start + n]
                yield "".join(c for _, c in part), [i for i, _ in part]


def _to_bytes(value: Any) -> bytes:
    """JSON that reads back as it was even if a text was cut in the middle of an emoji."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _new_vectorizer(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    low, high = SETTINGS["ngrams"]
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(low, high), sublinear_tf=True, dtype=np.float32, **settings)
