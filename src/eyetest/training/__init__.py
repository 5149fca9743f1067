"""Recipes, batched augmentation, and the loop."""
