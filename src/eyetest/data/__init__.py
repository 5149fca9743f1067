"""Data sets: classes, a fingerprint, and three splits that are read by rows."""

from .base import Dataset, SplitData
from .load import load_data

__all__ = ["Dataset", "SplitData", "load_data"]
