# What an auditor may do: look at everything that tells how the hosting is set up, and change nothing.  No secret is among
# it: what the vault keeps for applications can be looked at as ciphertext, and not unwrapped.
# Enough for `hosting key list`, and for whoever wants to see a policy or a key's settings without asking us.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Which engines and auth methods there are.
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/auth" {
  capabilities = ["read"]
}

# Who may do what: the text of every policy, those of people included.
path "sys/policies/acl" {
  capabilities = ["list"]
}
path "sys/policies/detailed/acl" {
  capabilities = ["list"]
}
path "sys/policies/acl/hosting-*" {
  capabilities = ["read"]
}
path "sys/policies/acl/people-*" {
  capabilities = ["read"]
}

# How keys are set and how old their versions are.
path "transit/keys" {
  capabilities = ["list"]
}
path "transit/keys/+" {
  capabilities = ["read"]
}

# Whether a signature below evidence is the platform's; signing is not among what an auditor may.
path "transit/verify/hosting-platform-signing" {
  capabilities = ["update"]
}

# Which secrets there are, whose, and since when.
path "kv/metadata/hosting/*" {
  capabilities = ["read", "list"]
}
path "kv/detailed-metadata/hosting/*" {
  capabilities = ["list", "scan"]
}
# The ciphertext says by which version of its key it was wrapped.  Nothing here can unwrap it.
path "kv/data/hosting/*" {
  capabilities = ["read"]
}

# The public keys of SSH authorities, and who gets which certificates.
path "ssh/config/ca" {
  capabilities = ["read"]
}
path "ssh/issuers" {
  capabilities = ["list"]
}
path "ssh/roles" {
  capabilities = ["list"]
}
path "ssh/roles/hosting-*" {
  capabilities = ["read"]
}

# The authority of certificates for links, what it issued, and who gets which certificates.
path "pki/config/issuers" {
  capabilities = ["read"]
}
path "pki/config/crl" {
  capabilities = ["read"]
}
path "pki/certs" {
  capabilities = ["list"]
}
path "pki/roles" {
  capabilities = ["list"]
}
path "pki/roles/hosting-*" {
  capabilities = ["read"]
}

# The identities of hosts: to which address each is bound, and how old their secret-ids are.
path "auth/approle/role" {
  capabilities = ["list"]
}
path "auth/approle/role/+" {
  capabilities = ["read"]
}
path "auth/approle/role/+/role-id" {
  capabilities = ["read"]
}
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}
# A look, although the vault calls it an update.
path "auth/approle/role/+/secret-id-accessor/lookup" {
  capabilities = ["update"]
}

# Whether every request is audited: where to, and not what stands there.  The vault itself asks for `sudo` here.
path "sys/audit" {
  capabilities = ["read", "sudo"]
}
# Who has rights now: tokens are told by their accessors, with which nobody can do what the token can.
path "auth/token/accessors" {
  capabilities = ["list", "sudo"]
}
path "auth/token/lookup-accessor" {
  capabilities = ["update"]
}

# Who they are, as the vault attests it; and their own token's life.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
