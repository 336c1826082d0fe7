# What the exporter of metrics may do: see how the vault is, and how old keys, secrets and identities are.  It can look at
# no ciphertext, unwrap nothing and change nothing, so that whoever breaks into monitoring finds names and dates there.

# The vault's own figures.
path "sys/metrics" {
  capabilities = ["read"]
}
# Whether its nodes are together.
path "sys/ha-status" {
  capabilities = ["read"]
}

# When each version of a key was made, and whether a key is disabled.
path "transit/keys" {
  capabilities = ["list"]
}
# One key: the times of its versions, and whether it is disabled.
path "transit/keys/+" {
  capabilities = ["read"]
}

# When each secret was made, and whose it is.  Not `kv/data`: of what is stored, not even the ciphertext.
path "kv/metadata/hosting/*" {
  capabilities = ["read", "list"]
}

# When each secret-id was made.  A look by its accessor, although the vault calls it an update; whoever has an accessor
# cannot log in with it.
path "auth/approle/role" {
  capabilities = ["list"]
}
# The accessors of one identity.
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}
# When the secret-id behind one of them was made, and when it ends.
path "auth/approle/role/+/secret-id-accessor/lookup" {
  capabilities = ["update"]
}

# Whose each identity is, which stands in the first line of its policy.
path "sys/policies/acl" {
  capabilities = ["list"]
}
# The same of all in one answer.
path "sys/policies/detailed/acl" {
  capabilities = ["list"]
}
# One by one, where the vault does not give them in one answer.
path "sys/policies/acl/hosting-*" {
  capabilities = ["read"]
}

# Which authorities of logins there are, and when those that a rotation made were; certificates of those for links are
# shown to everybody.
path "ssh/issuers" {
  capabilities = ["list"]
}

# What was issued to whom and until when: a certificate itself is shown to everybody.
path "pki/certs" {
  capabilities = ["list"]
}

# Its own token: a look, a longer life, and an end.
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
