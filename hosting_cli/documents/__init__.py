"""WHAT ESTABLISHMENTS AND AUDITORS READ: documents made from a region, in French first.

Do:

- build one `document.Document` from values that are passed in, the day among them; the same for every form it is given
- keep every phrase in `words.yaml`, in both languages, and every page's look in `templates/`
- render in `render.py`, the one place that knows forms of files

Do not:

- read files, engines or the clock, or write files: commands do
- show one application, or one establishment, what is another's
- fetch anything: fonts, styles and scripts are in the file or in the library that makes it
"""
