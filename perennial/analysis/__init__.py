"""Judging a challenger beside its control, at every look, however many there are.

Pure functions of counts. The same alpha holds over all looks together: who looks each minute for a
month raises no more false alarms than who looks once.
"""
