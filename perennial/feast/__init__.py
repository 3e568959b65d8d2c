"""What runs beside Feast, in an environment of its own, and how that is found.

`historical.py` and `online.py` are run by their paths, by the interpreter of that environment:
they import Feast, Arrow and the standard library, and nothing of ours.
"""
