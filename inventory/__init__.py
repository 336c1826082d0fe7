"""WHAT WE WANT: the operator's files, the model of them, and the rules between them.

Should:
    read YAML with its marks, report every problem at once, hand out frozen values.

Should not:
    touch a network, import an engine, know how anything gets done.
"""
