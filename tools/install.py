"""Install eyetest and its development tools into this environment, with the CPU build of torch and torchvision on Linux."""

import platform
import subprocess
import sys

CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def pip(*arguments: str) -> int:
    """The exit status of pip."""
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=False
    ).returncode


def main() -> int:
    """Try the small CPU wheels of torch and torchvision first; the registry's own are the fallback."""
    if platform.system() == "Linux":
        pip(
            "install",
            "-q",
            "--retries",
            "1",
            "--timeout",
            "15",
            "torch",
            "torchvision",
            "-c",
            "constraints.txt",
            "--index-url",
            CPU_INDEX,
        )
    return pip("install", "-q", "-e", ".[dev]", "-c", "constraints.txt")


if __name__ == "__main__":
    sys.exit(main())
