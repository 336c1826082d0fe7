"""Small programs that run on hosts for a proof, with nothing but Python's standard library; sent, never installed."""
