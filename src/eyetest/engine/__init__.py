"""plan → execute → evidence → checks → findings."""
