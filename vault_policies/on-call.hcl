# What the engineer on call may do: see how the vault and its keys are, reach hosts, and take back a disabling.  Not
# planning, not applying, no secret of an application: what needs those waits for an operations engineer.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Whether the vault's nodes are together.
path "sys/ha-status" {
  capabilities = ["read"]
}
path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}

# Whether a key is disabled, and enabling it again: nothing can be lost by that, and everything may wait for it.
path "transit/keys" {
  capabilities = ["list"]
}
path "transit/keys/+" {
  capabilities = ["read"]
}
path "transit/keys/+/soft-delete-restore" {
  capabilities = ["update"]
}

# Whether a host's identity is still known: a host that cannot log in to the vault opens no volume.
path "auth/approle/role/+" {
  capabilities = ["read"]
}
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}

# A certificate that opens hosts for half an hour.
path "ssh/sign/hosting-operations" {
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
