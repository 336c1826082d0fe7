# What the application {{application}} may do on the host {{host}}: unlock its volumes, write its backups, reach its
# buckets.  Nothing of another application, nothing of another host, and not its own recovery passphrases.

# At boot: the passphrase of each of its volumes on this host, as ciphertext.
path "kv/data/hosting/{{application}}/volumes/{{host}}/+/active" {
  capabilities = ["read"]
}

# At each backup: the password of this host's repository, as ciphertext.
path "kv/data/hosting/{{application}}/backups/{{host}}/repository" {
  capabilities = ["read"]
}

# The S3 credentials of the application's own two users, as ciphertext.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}" {
  capabilities = ["read"]
}
# And those of the user that adds to its backups and removes nothing.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}-backup" {
  capabilities = ["read"]
}

# Unwrapping these.  Never encrypting: a host has nothing to store in the vault.
path "transit/decrypt/hosting-{{application}}-volumes" {
  capabilities = ["update"]
}
# At each backup and restore.
path "transit/decrypt/hosting-{{application}}-backups" {
  capabilities = ["update"]
}
# For the application itself, which reaches its buckets with what this unwraps.
path "transit/decrypt/hosting-{{application}}-objects" {
  capabilities = ["update"]
}

# Whether the secret-id that it holds is still known, and by which accessor: asked by whoever diagnoses the host, and
# by a rotation, which proves with it that the host logs in with the new one before the old one goes.
path "auth/approle/role/hosting-{{application}}-{{host}}/secret-id/lookup" {
  capabilities = ["update"]
}

# Its own token: a look, a longer life within the role's limits, and an end when the work is done.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
# A longer life for it, within the limits of its role.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
# And its end, when the work is done.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
