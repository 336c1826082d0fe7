# What whoever keeps the second copy of the backups of {{application}} may do: read them as they lie on the first store,
# and add to the copy on the second.  No password of a repository: what is copied stays unreadable to who copies it.

# The S3 credentials of the two users that copying takes, as ciphertext.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}-copy-reader" {
  capabilities = ["read"]
}
# This one adds to the second store; the other reads the first.
path "kv/data/hosting/{{application}}/object-store/hosting-{{application}}-copy" {
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
