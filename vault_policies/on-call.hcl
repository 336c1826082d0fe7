# What the engineer on call may do: see how the vault and its keys are, reach hosts, and take back a disabling.  Not
# planning, not applying, no secret of an application: what needs those waits for an operations engineer.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Whether the vault's nodes are together.
path "sys/ha-status" {
  capabilities = ["read"]
}
# And which of them has a vote.
path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}

# Whether a key is disabled, and enabling it again: nothing can be lost by that, and everything may wait for it.
path "transit/keys" {
  capabilities = ["list"]
}
# One key: whether it is disabled.
path "transit/keys/+" {
  capabilities = ["read"]
}
# Enabling it.  Disabling is not among this.
path "transit/keys/+/soft-delete-restore" {
  capabilities = ["update"]
}

# Whether a host's identity is still known: a host that cannot log in to the vault opens no volume.
path "auth/approle/role/+" {
  capabilities = ["read"]
}
# And whether it has a secret-id at all.
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}

# Who runs which runbook now, so that no two people do the same: changed by check-and-set, and no secret.
path "kv/data/leases/+" {
  capabilities = ["create", "read", "update"]
}

# A certificate that opens hosts for half an hour.
path "ssh/sign/hosting-operations" {
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
