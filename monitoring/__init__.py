"""WHAT WATCHES: rules for Prometheus, and what the region's files promise, which they hold the world against.  Pure."""
