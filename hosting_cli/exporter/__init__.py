"""The exporter of figures: readings at a rhythm, each in a process that can be ended, served as they stand.

A scrape reads nothing: it gets what the last reading of each part gave, and how long ago that was.  So of a part there
are never two readings at once, however many ask and however long one takes.

    parts.py     what there is to read, how often, and how long each may take      pure
    shelf.py     the last reading of each part, and what is left of it by now      pure but for a lock
    keeping.py   read each part again and again, and put it on the shelf
    child.py     one reading, in a process of its own that ends in time
    serving.py   the address at which Prometheus asks
"""
