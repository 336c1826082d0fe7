"""WHO MAY DO WHAT: one commented policy per role, in the vault's own language, and the code that fills them in.

Should:
    grant exact paths, say why with every capability, take nothing but checked identifiers as values.

Should not:
    talk to a vault, grant a wildcard where a name is known, grant `sudo` or `delete` for convenience.
"""
