# What whoever breaks the glass may do: stop things, when there is no time for two people.  Every one of these can be
# taken back by those who hold the rights in daily work, and none of them shows or loses a secret.
# A token with this policy lies sealed; its use is told to everybody, and reviewed.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Stop everything: a sealed vault answers nobody, and its key holders open it again.  The vault itself asks for `sudo`.
path "sys/seal" {
  capabilities = ["update", "sudo"]
}

# Stop reading what one key wraps, and take that back.
path "transit/keys" {
  capabilities = ["list"]
}
# Whether it is disabled already.
path "transit/keys/+" {
  capabilities = ["read"]
}
# Disabling it.
path "transit/keys/+/soft-delete" {
  capabilities = ["delete"]
}
# Enabling it again.
path "transit/keys/+/soft-delete-restore" {
  capabilities = ["update"]
}

# Stop one host: without a secret-id it logs in no more, and the next plan gives it a new one.
path "auth/approle/role" {
  capabilities = ["list"]
}
# By which accessors a host's secret-ids are known.
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}
# Which of them is the one that somebody has taken.
path "auth/approle/role/+/secret-id-accessor/lookup" {
  capabilities = ["update"]
}
# Its end.
path "auth/approle/role/+/secret-id-accessor/destroy" {
  capabilities = ["update"]
}

# Stop one person or one program: whose a token is, and its end.  The vault itself asks for `sudo` where all are listed.
path "auth/token/accessors" {
  capabilities = ["list", "sudo"]
}
# Whose one is, before it ends.
path "auth/token/lookup-accessor" {
  capabilities = ["update"]
}
# Its end, and that of all that were made with it.
path "auth/token/revoke-accessor" {
  capabilities = ["update"]
}

# Who they are, as the vault attests it; and their own token's end.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
# And its end, when the work is done.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
