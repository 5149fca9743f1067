"""eyetest: an eye test for image classifiers."""
