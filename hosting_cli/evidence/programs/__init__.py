"""Programs that run without us: nothing here imports anything but Python's own library."""
