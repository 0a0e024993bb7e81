"""A project's adapted backbone: one file, whole or not at all; used only if the settings say so; the holdout unseen."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from filelock import FileLock

from labeler.backbones import choose, onnx
from labeler.backbones.adapted import FILE, Adaptation, Gain, adapted, hash_of, kept, load, save, with_weights
from labeler.backbones.choose import load_encoder
from labeler.cli import main
from labeler.core.errors import BackboneError, LabelerError
from labeler.core.items import NewItem
from labeler.core.jobs import AdaptationRequest
from labeler.core.settings import LearnerConfig
from labeler.jobs import adaptations
from labeler.jobs.rounds import BESIDE, work_once
from labeler.learner import self_supervised
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.samples import reviews, text_config
from tests.support.tiny_networks import IMAGES, TEXTS, Letters

pytestmark = pytest.mark.slow

QUICK = AdaptationRequest(seconds=60.0, blocks=1)
TENSORS = {"stages.3.module.output.dense.bias": np.arange(16, dtype=np.float32)}
ABOUT = Adaptation(TEXTS.key, "masked words", 1, 2.5, 30, (5.25, 4.5), 0, "hash of items", 40, hash_of(TENSORS))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "compiled", lambda build, *_: onnx.in_torch(build()))
    monkeypatch.setattr(self_supervised, "PASSES", 4)
    monkeypatch.setattr(choose, "load_text_encoder", lambda name, *bases: TEXTS)


@pytest.fixture
def filled(own_home: Path) -> Project:
    """A project with the tiny network and 60 labeled texts of the pool, 60 of the holdout."""
    made = projects.create(own_home / "films", text_config(learner=LearnerConfig(kind="frozen", backbone="tiny")))
    with made.store() as store:
        store.items.add(
            [
                NewItem(f"{i:04d}", f"row {i}", text=text, label=label, split="holdout" if i >= 60 else "pool")
                for i, (text, label) in enumerate(reviews(120))
            ]
        )
    return made


def run(project: Project, request: AdaptationRequest = QUICK) -> Adaptation:
    with project.store() as store:
        return adaptations.run(project, store, request, lambda message: lambda done, total: None)


def encoder_of(project: Project) -> Any:
    config = projects.open_project(project.folder).config
    return load_encoder(config.learner, config.modality, ["text"], project.embeddings)


def labeler(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


# ---------------------------------------------------------------- the file


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    about = replace(ABOUT, gain=Gain(100, 50, 0.5, 0.6, -0.01, 0.21))
    save(tmp_path / FILE, TENSORS, about)
    found, tensors = load(tmp_path / FILE)
    assert found == about
    assert {name: value.tolist() for name, value in tensors.items()} == {k: v.tolist() for k, v in TENSORS.items()}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_encoder_has_the_tensors_in_place_and_another_key(tmp_path: Path) -> None:
    save(tmp_path / FILE, TENSORS, ABOUT)
    encoder = adapted(TEXTS, tmp_path)
    assert encoder.name == "tiny (adapted)"
    assert encoder.key != TEXTS.key
    (name,) = TENSORS
    before, after = dict(TEXTS.network.named_parameters()), dict(encoder.network.named_parameters())
    assert [n for n, p in after.items() if not torch.equal(p, before[n])] == [name]
    np.testing.assert_array_equal(after[name].numpy(), TENSORS[name])
    assert not np.array_equal(encoder.encode(["abc"]), TEXTS.encode(["abc"]))
    # other weights, another key; the same ones, the same
    other = with_weights(TEXTS, {name: TENSORS[name] + 1})
    assert len({TEXTS.key, encoder.key, other.key}) == 3
    assert adapted(TEXTS, tmp_path).key == encoder.key


def test_no_file_another_backbone_and_no_network_are_each_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"is missing: run `python -m labeler adapt`, or set learner\.adapted"):
        adapted(TEXTS, tmp_path)
    save(tmp_path / FILE, TENSORS, ABOUT)
    with pytest.raises(BackboneError, match="adapted from another backbone or input size than the settings name"):
        adapted(IMAGES, tmp_path)
    learner = LearnerConfig(backbone="char_tfidf", adapted=True)
    with pytest.raises(BackboneError, match=r"char_tfidf is no network and cannot be adapted: set learner\.adapted"):
        load_encoder(learner, "text", ["가나다"], tmp_path)


@pytest.mark.parametrize("harm", ["cut", "empty", "byte", "metadata"])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, harm: str) -> None:
    path = tmp_path / FILE
    save(path, TENSORS, ABOUT)
    content = path.read_bytes()
    changed = {
        "cut": content[:-1],
        "empty": b"",
        "byte": content[:-1] + bytes([content[-1] ^ 1]),
        "metadata": content.replace(b"labeler", b"lebaler"),
    }
    path.write_bytes(changed[harm])
    with pytest.raises(
        BackboneError, match=r"is damaged: run `python -m labeler adapt` again, or set learner\.adapted"
    ):
        adapted(TEXTS, tmp_path)


# ---------------------------------------------------------------- adapting


def test_the_pool_teaches_the_holdout_measures_and_nothing_is_used_unasked(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[Path | str]] = []
    real = self_supervised.adapt

    def watched(encoder: Any, inputs: Any, *rest: Any) -> self_supervised.Adapted:
        asked.append(inputs)
        return real(encoder, inputs, *rest)

    monkeypatch.setattr(self_supervised, "adapt", watched)
    about = run(filled)
    texts = [text for text, _ in reviews(120)]
    assert [*asked[0]] == texts[:60]
    assert (about.base, about.objective, about.blocks, about.n) == (TEXTS.key, "masked words", 1, 60)
    assert about.gain
    assert (about.gain.labels, about.gain.n) == (60, 60)
    assert about.gain.low <= about.gain.after - about.gain.before <= about.gain.high
    assert kept(filled.embeddings) == about == load(filled.embeddings / FILE)[0]
    assert not projects.open_project(filled.folder).config.learner.adapted
    assert encoder_of(filled).key == TEXTS.key
    adaptations.use(filled, True)
    assert encoder_of(filled).key not in (TEXTS.key, None)
    # adapting again starts from the pretrained weights, not from the adapted ones
    assert run(projects.open_project(filled.folder)).base == TEXTS.key


def test_flagged_items_teach_nothing_and_without_labels_nothing_is_measured(project: Project) -> None:
    made = project.save(replace(project.config, learner=LearnerConfig(backbone="tiny")))
    with made.store() as store:
        store.items.add([NewItem(f"{i:04d}", f"row {i}", text=t, split="pool") for i, (t, _) in enumerate(reviews(41))])
    first = run(made)
    assert (first.n, first.gain) == (41, None)
    assert "too few labels yet to measure" in str(first)


def test_what_ends_it_leaves_the_old_weights(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(filled)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run(filled, replace(QUICK, seed=1))
    assert kept(filled.embeddings) == before
    assert adapted(TEXTS, filled.embeddings)


def test_two_at_once_are_refused(filled: Project) -> None:
    with (
        FileLock(filled.folder / "adapt.lock"),
        pytest.raises(LabelerError, match="Another adaptation of this project is running"),
    ):
        run(filled)
    assert kept(filled.embeddings) is None


def test_settings_that_changed_meanwhile_are_kept(filled: Project) -> None:
    filled.save(replace(filled.config, budget=77))
    run(filled, replace(QUICK, use=True))
    now = projects.open_project(filled.folder).config
    assert (now.budget, now.learner.adapted) == (77, True)


# ---------------------------------------------------------------- beside the rounds


def test_a_job_adapts_and_the_next_round_embeds_everything_anew(filled: Project) -> None:
    with filled.store() as store:
        store.adaptations.request(replace(QUICK, use=True), "kim")
        assert store.has_background()
        assert any(run(filled) for run in BESIDE)
        (job,) = store.adaptations.all()
        assert job.state == "done"
        assert store.adaptations.report_of(job.id) == json.loads(
            json.dumps(adaptations.asdict(kept(filled.embeddings)))
        )
        store.rounds.request("test")
    now = projects.open_project(filled.folder)
    assert work_once(now)
    with now.store() as store:
        assert store.rounds.all()[-1].metrics
    assert (filled.embeddings / encoder_of(filled).key / "00000.f16").exists()
    assert not (filled.embeddings / TEXTS.key).exists()


def test_a_job_that_cannot_work_says_why(filled: Project) -> None:
    tfidf = filled.save(replace(filled.config, learner=LearnerConfig(backbone="char_tfidf")))
    with tfidf.store() as store:
        store.adaptations.request(QUICK, "kim")
        assert adaptations.adapt_once(tfidf)
        (job,) = store.adaptations.all()
    assert job.state == "failed"
    assert "char_tfidf is no network and cannot be adapted" in str(job.error)


# ---------------------------------------------------------------- words, and the command


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.01, 0.2, "it helps"), (-0.2, -0.01, "it does harm"), (-0.1, 0.1, "it may be chance")]
)
def test_a_gain_is_told_with_its_interval(low: float, high: float, said: str) -> None:
    words = str(Gain(1000, 500, 0.5, 0.55, low, high))
    assert "on 1,000 labels get 50.0% of 500 holdout items right" in words
    assert f"+5.0 points (95% interval {100 * low:+.1f} to {100 * high:+.1f}), so {said}" in words


def test_the_command_adapts_switches_on_and_off(filled: Project) -> None:
    folder = filled.folder
    assert "is missing: run `python -m labeler adapt`" in labeler("adapt", folder, "--on", code=2)
    said = labeler("adapt", folder, "--seconds", 60, "--blocks", 1)
    assert "The last block learned from 60 items of the pool by masked words" in said
    assert "95% interval" in said
    assert "are not used; `adapt --on` changes that" in said
    for arguments, on in ((["--on"], True), (["--off"], False), (["--seconds", 1, "--use"], True)):
        labeler("adapt", folder, *arguments)
        assert projects.open_project(folder).config.learner.adapted is on
    assert "is not a project" in labeler("adapt", folder / "nowhere", code=2)
    assert isinstance(TEXTS.prepare, Letters)  # nothing replaced the tiny network
