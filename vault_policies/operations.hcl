# What an operations engineer may do: exactly what `hosting plan`, `apply`, `verify` and `drift` need.  Not here:
# deleting or exporting keys, destroying secrets, reading the audit log, sealing, changing people's own rights.
# Written with a root token (`hosting bootstrap`), which is then revoked.
# HashiCorp Vault does not know the capability `scan`: there, leave the word out (`render.people(scan=False)`).

# -- looking around -------------------------------------------------------------------------------------------------

path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/auth" {
  capabilities = ["read"]
}

# -- engines, mounted once and never unmounted ------------------------------------------------------------------------

path "sys/mounts/transit" {
  capabilities = ["create", "update"]
}
path "sys/mounts/kv" {
  capabilities = ["create", "update"]
}
path "sys/mounts/pki" {
  capabilities = ["create", "update"]
}
path "sys/mounts/ssh" {
  capabilities = ["create", "update"]
}
# The vault itself asks for `sudo` here.
path "sys/auth/approle" {
  capabilities = ["create", "update", "sudo"]
}

# -- policies of applications and of the platform ---------------------------------------------------------------------

path "sys/policies/acl" {
  capabilities = ["list"]
}
path "sys/policies/detailed/acl" {
  capabilities = ["list"]
}
path "sys/policies/acl/hosting-*" {
  capabilities = ["create", "read", "update", "delete"]
}
# Nobody changes what people may do with a token that people have.
path "sys/policies/acl/hosting-operations" {
  capabilities = ["read"]
}
path "sys/policies/acl/hosting-approver" {
  capabilities = ["read"]
}

# -- keys: made, looked at, used; never exported, never deleted -------------------------------------------------------

path "transit/keys" {
  capabilities = ["list"]
}
path "transit/keys/+" {
  capabilities = ["create", "read", "update"]
}
# Forbidding deletion, never allowing it.
path "transit/keys/+/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [false]
  }
}
# Proving that an object is unreadable while its key is disabled, and enabling it again.  Nothing is lost by either.
path "transit/keys/+/soft-delete" {
  capabilities = ["delete"]
}
path "transit/keys/+/soft-delete-restore" {
  capabilities = ["create", "update"]
}
# `update` only: encrypting under a key that does not exist must fail, not make it.
path "transit/encrypt/hosting-*" {
  capabilities = ["update"]
}
path "transit/decrypt/hosting-*" {
  capabilities = ["update"]
}

# -- secrets: made, read back, replaced; older versions stay ----------------------------------------------------------

path "kv/data/hosting/*" {
  capabilities = ["create", "read", "update"]
}
path "kv/metadata/hosting/*" {
  capabilities = ["create", "read", "update", "list"]
}
path "kv/detailed-metadata/hosting/*" {
  capabilities = ["list", "scan"]
}

# -- the SSH authority, and certificates to reach hosts with ----------------------------------------------------------

path "ssh/config/ca" {
  capabilities = ["create", "read", "update"]
}
path "ssh/roles" {
  capabilities = ["list"]
}
path "ssh/roles/hosting-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "ssh/sign/hosting-operations" {
  capabilities = ["create", "update"]
}

# -- identities of hosts ----------------------------------------------------------------------------------------------

path "auth/approle/role" {
  capabilities = ["list"]
}
# The role itself, its role-id, its secret-ids and their accessors.
path "auth/approle/role/hosting-*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# -- proofs: tokens that live for minutes, made to be refused ---------------------------------------------------------

path "auth/token/create/hosting-proofs" {
  capabilities = ["create", "update"]
}
path "auth/token/revoke" {
  capabilities = ["update"]
}
path "sys/capabilities" {
  capabilities = ["update"]
}

# -- one's own token --------------------------------------------------------------------------------------------------

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
