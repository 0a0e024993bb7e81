"""How good a model is on the holdout, and how sure that is: intervals, calibration, active testing, slices."""
