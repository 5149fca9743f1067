"""Install eyetest and its development tools into this environment, with the CPU build of torch and torchvision on Linux.

python tools/install.py [EXTRA ...]

With extras they are installed too, at the versions of constraints-extras.txt.
"""

import platform
import subprocess
import sys

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ONE_TRY = ("--retries", "1", "--timeout", "15")


def pip_install(*arguments: str, silent: bool = False) -> int:
    """The exit status of pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", *arguments]
    return subprocess.run(command, check=False, capture_output=silent).returncode


def main(extras: list[str]) -> int:
    """Try the small CPU wheels of torch and torchvision first; the registry's own are the fallback."""
    pins = ("-c", "constraints-extras.txt" if extras else "constraints.txt")
    if platform.system() == "Linux":
        wheels = ("torch", "torchvision", *pins, "--index-url", CPU_INDEX)
        if pip_install(*ONE_TRY, *wheels, silent=True):
            print("The small CPU wheels of torch cannot be had here; taking those of the package index.")
    return pip_install("-e", f".[{','.join(['dev', *extras])}]", *pins)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
