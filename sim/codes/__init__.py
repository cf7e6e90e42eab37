"""Channel codes and check sums."""
