"""What a command says to the shell."""

DONE = 0
"""Done, or a gate that is passed."""
FAILED = 1
"""A gate that is not passed, or an exam below its targets."""
BAD_INPUT = 2
"""The user's input; nothing was changed."""
PARTIAL = 3
"""A check or a training crashed, a gate cannot tell, or a tracker did not take the run."""
BUG = 70
INTERRUPTED = 130
