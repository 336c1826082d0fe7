"""Measure `hosting` side by side with what it is judged against; ``make bench`` runs all of it."""
