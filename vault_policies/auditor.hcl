# What an auditor may do: look at everything that tells how the hosting is set up, and change nothing.  No secret of an
# application is among it: what the vault keeps for those can be looked at as ciphertext, and not unwrapped.
# Enough for `hosting report compliance`, `hosting evidence verify` and `hosting key list`, and for whoever wants to see a
# policy or a key's settings without asking us.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Which engines and auth methods there are.
path "sys/mounts" {
  capabilities = ["read"]
}
# And by which ways anybody logs in.
path "sys/auth" {
  capabilities = ["read"]
}

# Who may do what: the text of every policy, those of people included.
path "sys/policies/acl" {
  capabilities = ["list"]
}
# The same with what belongs to each, in one answer.
path "sys/policies/detailed/acl" {
  capabilities = ["list"]
}
# Those of applications and of the platform, which a plan writes.
path "sys/policies/acl/hosting-*" {
  capabilities = ["read"]
}
# Those of people, which nobody changes with a token that people have.
path "sys/policies/acl/people-*" {
  capabilities = ["read"]
}

# How keys are set and how old their versions are.
path "transit/keys" {
  capabilities = ["list"]
}
# One key: its settings, its versions, and whether it is disabled.  Never the key itself.
path "transit/keys/+" {
  capabilities = ["read"]
}

# Whether a signature below evidence is the platform's; signing is not among what an auditor may.
path "transit/verify/hosting-platform-signing" {
  capabilities = ["update"]
}

# The credentials of the one user of the object store that reads evidence, and does nothing else.
path "transit/decrypt/hosting-platform-reading" {
  capabilities = ["update"]
}

# Which secrets there are, whose, and since when.
path "kv/metadata/hosting/*" {
  capabilities = ["read", "list"]
}
# The same of all entries in one answer.
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
# Which of them signs, and which is on its way in or out.
path "ssh/issuers" {
  capabilities = ["list"]
}
# Which kinds of certificates there are.
path "ssh/roles" {
  capabilities = ["list"]
}
# For whom and for how long each is signed.
path "ssh/roles/hosting-*" {
  capabilities = ["read"]
}

# The authority of certificates for links, what it issued, and who gets which certificates.
path "pki/config/issuers" {
  capabilities = ["read"]
}
# Whether lists of what was revoked are kept, and for how long each holds.
path "pki/config/crl" {
  capabilities = ["read"]
}
# What was issued, by serial number.
path "pki/certs" {
  capabilities = ["list"]
}
# Which kinds of certificates there are.
path "pki/roles" {
  capabilities = ["list"]
}
# For which one name and for how long each is issued.
path "pki/roles/hosting-*" {
  capabilities = ["read"]
}

# The identities of hosts: to which address each is bound, and how old their secret-ids are.
path "auth/approle/role" {
  capabilities = ["list"]
}
# One of them: its policies, its address, how long its tokens live.
path "auth/approle/role/+" {
  capabilities = ["read"]
}
# By which name it logs in, which is no secret.
path "auth/approle/role/+/role-id" {
  capabilities = ["read"]
}
# How many secret-ids it has, by accessors with which nobody can log in.
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
# … what each may do and until when, by that accessor.
path "auth/token/lookup-accessor" {
  capabilities = ["update"]
}

# Who they are, as the vault attests it; and their own token's life.
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
