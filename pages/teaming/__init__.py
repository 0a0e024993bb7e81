"""Parts of the Team page."""
