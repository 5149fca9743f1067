"""From a run directory to one HTML file that opens offline."""

from .render import Section, render

__all__ = ["Section", "render"]
