"""Grey values of more than eight bits → a picture of a window of them, drawn from black to white."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

Window = tuple[float, float]  # (value drawn black, value drawn white)

# Windows for computed tomography in Hounsfield units, by their names in radiology.
HOUNSFIELD: dict[str, Window] = {
    "lung": (-1350, 150),
    "soft_tissue": (-150, 250),
    "brain": (0, 80),
    "bone": (-500, 1300),
}
_SAMPLE = 1 << 20  # values that percentiles are estimated from


@dataclass(frozen=True)
class Scan:
    """Values of more than eight bits, upright, with the display settings of their file."""

    values: np.ndarray  # (height, width)
    window: Window | None = None  # in the file
    unit: str | None = None  # "HU": Hounsfield units
    inverted: bool = False  # the lowest value is white
    frame: tuple[int, int] | None = None  # which frame this is, counted from 1, and of how many


def windows(scan: Scan) -> dict[str, Window]:
    """Windows to choose from, by name; the first is the default.

    "file" is the window in the file; "auto" leaves out the darkest and the brightest 0.1%, since scans rarely fill
    their range; "percentile" leaves out 1%; "full" shows every value. The windows for tissues need Hounsfield units.

    Source: Radiopaedia, "Windowing (CT)", for the tissues.
    """
    low, darkest, dark, bright, brightest, high = _bounds(scan.values)
    choices: dict[str, Window] = {"file": scan.window} if scan.window else {}
    choices |= {"auto": (darkest, brightest), "percentile": (dark, bright), "full": (low, high)}
    return choices | (HOUNSFIELD if scan.unit == "HU" else {})


def draw(values: np.ndarray, window: Window, inverted: bool = False) -> Image.Image:
    """The values as 8-bit grey: values below the window are black, values above it white; inverted, the reverse."""
    low, high = window
    grey = np.subtract(values, low, dtype=np.float32)
    grey *= 255 / ((high - low) or 1)
    np.nan_to_num(grey, copy=False, posinf=255)
    np.clip(np.rint(grey, out=grey), 0, 255, out=grey)
    return Image.fromarray(255 - grey.astype(np.uint8) if inverted else grey.astype(np.uint8))


def picture(scan: Scan) -> Image.Image:
    """The scan drawn through its default window, as learners see it too."""
    return draw(scan.values, next(iter(windows(scan).values())), scan.inverted)


def _bounds(values: np.ndarray) -> list[float]:
    """The lowest value, the percentiles 0.1, 1, 99 and 99.9, and the highest value."""
    step = math.isqrt(max(1, values.size // _SAMPLE))
    sample = values[::step, ::step]
    if sample.dtype.kind == "f":
        values, sample = values[np.isfinite(values)], sample[np.isfinite(sample)]
        if not sample.size:
            return [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    inner = np.percentile(sample, (0.1, 1, 99, 99.9)).tolist()
    return [float(values.min()), *inner, float(values.max())]
