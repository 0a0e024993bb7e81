"""The extras of the package: libraries that only some projects need."""

from importlib.util import find_spec
from typing import Literal

from labeler.core.errors import LabelerError

Extra = Literal["images", "texts", "dicom", "cluster"]
LIBRARIES: dict[Extra, tuple[str, ...]] = {
    "images": ("timm", "torchvision"),
    "texts": ("transformers",),
    "dicom": ("pydicom",),
    "cluster": ("ray",),
}


def require(extra: Extra) -> None:
    """Check that the libraries of an extra are installed.

    Raises: LabelerError: one is missing; the message names the command that installs it.
    """
    for library in LIBRARIES[extra]:
        if find_spec(library) is None:
            raise LabelerError(
                '{library} is not installed: install it with `pip install "labeler[{extra}]"`.',
                library=library,
                extra=extra,
            )
