"""What half precision costs in accuracy: heads on the same items' features in several precisions, on the same labels.

    python -m bench.learner.precision ../shared/data/reviews_en.csv --backbone bge-small-en-v1.5
    python -m bench.learner.precision ../shared/data/cifar10/labels.csv --backbone tf_efficientnet_lite0 --int8

Two are measured: features that the cache keeps in float16, and, on a processor that multiplies bfloat16 in hardware,
networks of texts that compute in it. `--int8` adds networks of images whose convolutions ONNX Runtime computes in int8,
with the ranges of the first items, and prints how many images a second of the processor both embed. Half of the items
teach, drawn anew for each seed, and the other half measures. Printed are the accuracy in float32 and the mean
difference in points with its 95% interval over seeds.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from bench import tables
from bench.learner.fidelity import cosines
from labeler.backbones import exported, onnx
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder, Pretrained, computed_on
from labeler.backbones.features import narrowed
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.experiments.dataset import read_labeled
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask

LABELS = (50, 200, 700)
CALIBRATED = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="a table with texts or images, and labels")
    parser.add_argument("--backbone", default="bge-small-en-v1.5", help="as the setting `learner.backbone`")
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--int8", action="store_true", help="of images only")
    options = parser.parse_args()
    labeled = read_labeled(options.table)
    rows = list(labeled.rows.values())
    chosen = np.random.default_rng(0).permutation(len(rows))[: options.items]
    inputs: list[Path | str] = [rows[place].text or Path(str(rows[place].image)) for place in chosen]
    targets = np.array([labeled.classes.index(labeled.labels[place][0]) for place in chosen])
    learner = LearnerConfig(backbone=options.backbone)
    with tempfile.TemporaryDirectory() as scratch:
        encoder = load_encoder(learner, labeled.modality, [str(row.text) for row in rows], Path(scratch))
    features = dict(in_precisions(encoder, inputs))
    if options.int8:
        assert isinstance(encoder, Pretrained)
        features |= in_int8(encoder, inputs)
    centred = {name: own - features["float32"].mean(axis=0) for name, own in features.items()}
    for name in list(features)[1:]:
        alike = cosines(centred[name], centred["float32"])
        print(f"{options.backbone}, {len(inputs)} items in {name}, centred: least cosine {alike.min():.7f}")
    accuracy = accuracies(features, encoder.dims, targets, options.seeds)
    print(tables.table([row(accuracy, name, n) for name in list(features)[1:] for n in LABELS]))


def in_precisions(encoder: Encoder, inputs: list[Path | str]) -> Iterator[tuple[str, np.ndarray]]:
    """The features of the inputs, by the name of the precision; float32 comes first."""
    exact = replace(encoder, mixed=False) if isinstance(encoder, Pretrained) else encoder
    whole = exact.encode(inputs)
    yield "float32", whole
    kept = narrowed(whole)
    yield f"{kept.dtype} on disk", kept.astype(np.float32)
    if isinstance(encoder, Pretrained) and computed_on(encoder)["precision"] == "bfloat16":
        yield "bfloat16 in the network", encoder.encode(inputs)


def in_int8(encoder: Pretrained, inputs: list[Path | str]) -> dict[str, np.ndarray]:
    """The features of images by the network in int8, whose ranges are those of the first `CALIBRATED` of them."""
    images = np.stack([image for (image,) in encoder.prepare(inputs)])
    with tempfile.TemporaryDirectory() as name:
        exact, prepared, quantised = (Path(name) / f"{part}.onnx" for part in ("exact", "prepared", "quantised"))
        onnx.export(onnx.traced(encoder.network, encoder.example, encoder.dynamic_axes), exact)
        quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(quantised),
            Calibration(images[:CALIBRATED]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Add", "Clip", "Relu"],
        )
        features = {}
        for precision, path in (("float32", exact), ("int8 in the network", quantised)):
            run, began = exported.in_onnxruntime(path), time.process_time()
            features[precision] = np.concatenate([run(part) for part in batches(images)])
            print(f"{precision}: {len(images) / (time.process_time() - began):.0f} images a second of the processor")
    return {"int8 in the network": features["int8 in the network"]}


class Calibration(CalibrationDataReader):
    """Batches whose largest and smallest activations say what int8 has to hold."""

    def __init__(self, images: np.ndarray) -> None:
        self.left = batches(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        part = next(self.left, None)
        return None if part is None else {"input_0": part}


def batches(images: np.ndarray) -> Iterator[np.ndarray]:
    return (images[start : start + 32] for start in range(0, len(images), 32))


def accuracies(
    features: dict[str, np.ndarray], dims: tuple[int, ...], targets: np.ndarray, seeds: int
) -> dict[tuple[str, int], np.ndarray]:
    """(seeds,) accuracies of frozen heads, by the precision and the number of labels."""
    accuracy = {(name, n): np.empty(seeds) for name in features for n in LABELS}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(targets))
        test = order[len(targets) // 2 :]
        for name, n in accuracy:
            data = Dataset([""] * len(targets), features[name], dims)
            labels = Labels(order[:n], targets[order[:n]])
            model = fit_heads(LearningTask.of(data, labels, int(targets.max()) + 1))
            accuracy[name, n][seed] = (model.predict_proba(data, test).argmax(axis=1) == targets[test]).mean()
    return accuracy


def row(accuracy: dict[tuple[str, int], np.ndarray], name: str, n: int) -> dict[str, object]:
    exact = accuracy["float32", n]
    return {
        "precision": name,
        "labels": n,
        "accuracy in float32": f"{exact.mean():.4f}",
        "difference in points (95%)": tables.gain((100 * accuracy[name, n]).tolist(), (100 * exact).tolist()),
    }


if __name__ == "__main__":
    main()
