"""The command line: every command under its name. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

from cyclopts import App

from .auditing import audit, look, validate
from .comparing import compare, gate
from .fetching import fetch
from .making import demo, study, sweep, train
from .reading import card, explain, list_, report, runs, show, track

app = App(
    name="eyetest",
    help="An eye test for image classifiers: what do they look at, when are they confidently wrong, did the fix help?",
    result_action="return_value",
)
for command in (
    *(demo, study, train, sweep),
    *(audit, look, validate),
    *(compare, gate),
    *(report, track, card, show, runs, explain),
    fetch,
):
    app.command(command)
app.command(list_, name="list")
