"""CONTROLS: what becomes of observations, documents and waivers in the eyes of an auditor.

Should: give each control of the catalogue one verdict from its own evidence, with every reason.
Should not: read anything, count one layer into another, or take the absence of evidence for conformity.
"""
