"""Shares as people read and write them: in percent."""

from streamlit.delta_generator import DeltaGenerator

DIGITS = 6  # significant ones that are kept of a percentage


def percent_input(column: DeltaGenerator, label: str, share: float, step: float) -> float:
    """The share from a field in percent, which shows as many digits as the share has."""
    value = column.number_input(label, 0.0, 100.0, round(100 * share, DIGITS), step, format=f"%.{DIGITS}g")
    return round(value / 100, DIGITS + 2)
