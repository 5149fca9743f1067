"""`eyetest` and `python -m eyetest`: exit codes for everything that can happen."""

from __future__ import annotations

import sys
import traceback

from .cli.exit_codes import BAD_INPUT, BUG, DONE, INTERRUPTED


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; errors of the user are one paragraph, bugs a traceback."""
    sys.exit(code(arguments))


def code(arguments: list[str] | None = None) -> int:
    """The exit code of the command line."""
    from .cli.app import app
    from .errors import UserError

    try:
        result = app(arguments, exit_on_error=False, print_error=True)
    except UserError as error:
        print(f"eyetest: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("\neyetest: interrupted. What is done is kept; give the same command again to go on.", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else DONE


def _unexpected(error: Exception) -> int:
    from cyclopts import CycloptsError

    if isinstance(error, CycloptsError):
        return BAD_INPUT
    traceback.print_exc()
    print("eyetest: this is a bug in eyetest, not in your data. Please report the lines above.", file=sys.stderr)
    return BUG


if __name__ == "__main__":
    main()
