"""What people answered enters; which labels are likely wrong, and how far people agree, leaves."""
