"""Parts that programs share: each is sent before the program that imports from it, as one text with it."""
