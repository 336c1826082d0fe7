# What whoever prunes the backups of {{application}} may do: open its repositories, and act as the one user of the object
# store that can hide objects there.  Nothing of another application; no volume, no data bucket; and no secret of a host
# but the passwords of its repositories.  Every version stays in the store until its lock has ended, whatever is pruned.

# The password of each repository, as ciphertext: snapshots are listed and removed with it.
path "kv/data/hosting/{{application}}/backups/+/repository" {
  capabilities = ["read"]
}

# The S3 credentials of the pruning user, as ciphertext.  Not those that hosts write with.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}-prune" {
  capabilities = ["read"]
}

# And those of its counterpart at the store of the second copy, if there is one, which follows each prune.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}-copy-prune" {
  capabilities = ["read"]
}

# Unwrapping these.  Never encrypting.
path "transit/decrypt/hosting-{{application}}-backups" {
  capabilities = ["update"]
}

# Who they are, as the vault attests it for the journal; and their own token's life.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
# A longer life for it, while the work lasts.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
# And its end, when the work is done.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
