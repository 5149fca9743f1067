"""One image: what the model answers, and what every explanation method says of it."""
