"""Encrypted volumes as they live on: which slots open them, and the copies of the headers that they cannot do without.

Should:
    say which volumes the files ask for; read and try them on their hosts; seal copies of headers, and open them again.

Should not:
    make or grow volumes (``deploys`` does), keep a passphrase or a header in a file of the controller.
"""
