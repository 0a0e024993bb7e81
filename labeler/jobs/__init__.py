"""Requests in the store enter; finished rounds, comparisons, searches, audits and explanations leave.

Everything here runs in processes beside the app.
"""
