"""What someone who knows the original assignment types: `python train.py` is `eyetest study --data cifar10`."""

import sys

from eyetest.__main__ import main

if __name__ == "__main__":
    main(["study", "--data", "cifar10", *sys.argv[1:]])
