"""CHECKS: what a machine can tell of a control, from what doors read.

Should: be pure, readings in and observations out; say the observed value, in French and English, for each subject.
Should not: judge a control (that is `controls`), ask a clock, or take what could not be read for anything but unknown.
"""
