"""The audit's own exam: planted shortcuts whose truth is known, and how the audit's answers are scored. One part a file."""
