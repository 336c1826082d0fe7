"""The end of an application's data: its keys, the slots of its volumes, and trying what must not open any more.

Should:
    say what of an application outlives its keys; end the slots of its volumes on every host that can be reached; try
    volumes, objects and sealed copies of headers before and after.

Should not:
    decide whether a destruction may begin (``destruction`` does), touch what is not provably the application's.
"""
