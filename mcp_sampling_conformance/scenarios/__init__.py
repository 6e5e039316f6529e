"""Scenarios: what to provoke. They mark the transcript with what they do, and judge nothing."""
