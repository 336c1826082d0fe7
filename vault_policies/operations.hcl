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
# What stands in such a policy the vault cannot judge: a plan shows it, and the audit log keeps who wrote it.
path "sys/policies/acl/hosting-*" {
  capabilities = ["create", "read", "update", "delete"]
}
# What people may do is not called `hosting-`: nobody changes it with a token that people have.
path "sys/policies/acl/people-*" {
  capabilities = ["read"]
}

# -- keys: made, looked at, used; never exported, never deleted -------------------------------------------------------

path "transit/keys" {
  capabilities = ["list"]
}
path "transit/keys/+" {
  capabilities = ["create", "read", "update"]
}
# Forbidding deletion, never allowing it; and retiring versions that nothing needs, which a lower number takes back.
path "transit/keys/+/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [false]
    "min_decryption_version" = []
  }
}
# Rotation: a new version, and the ciphertexts brought up to it.  The older versions still decrypt.
path "transit/keys/+/rotate" {
  capabilities = ["update"]
}
path "transit/rewrap/hosting-*" {
  capabilities = ["update"]
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
# A rotation keeps a volume's next passphrase in an entry of its own, which ends when the volume's entry has it.
path "kv/metadata/hosting/+/volumes/+/+/active-next" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "kv/metadata/hosting/+/volumes/+/+/recovery-next" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "kv/detailed-metadata/hosting/*" {
  capabilities = ["list", "scan"]
}

# -- the SSH authority, and certificates to reach hosts with ----------------------------------------------------------

# Made in the vault and never brought along: nobody knows a key that opens hosts.
path "ssh/config/ca" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "generate_signing_key" = [true]
    "key_type"             = []
  }
}
# Rotation: a second authority, which signs nothing by itself; its name says how far it has come.
path "ssh/issuers" {
  capabilities = ["list"]
}
path "ssh/issuers/import/next-*" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "generate_signing_key" = [true]
    "key_type"             = ["ed25519"]
  }
}
path "ssh/issuer/+" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "issuer_name" = ["hosting-*", "former-*"]
  }
}
# Which one signs.
path "ssh/config/issuers" {
  capabilities = ["create", "update"]
}
# The end of one that another has taken the place of.  By that name only: the vault would end the one that signs too, and
# nobody would log in to any host again.
path "ssh/issuer/former-*" {
  capabilities = ["delete"]
}
# Signing with one that is not the one that signs, to see that hosts let it in, or no longer do.
path "ssh/roles/rotation-trial" {
  capabilities = ["create", "read", "update", "delete"]
}
path "ssh/sign/rotation-trial" {
  capabilities = ["create", "update"]
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

# -- the authority of certificates for links ----------------------------------------------------------------------------

# How long an authority may be valid: longer than what the vault grants by itself.
path "sys/mounts/pki/tune" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "max_lease_ttl" = []
  }
}
# Made in the vault (`internal`), so that its key never leaves it; never brought along.
path "pki/issuers/generate/root/internal" {
  capabilities = ["create", "update"]
}
path "pki/issuers" {
  capabilities = ["list"]
}
# Where its root is offline: a key made in the vault, the request for it, and the certificates that come back; no key can
# be brought along by this.
path "pki/issuers/generate/intermediate/internal" {
  capabilities = ["create", "update"]
}
path "pki/issuers/generate/intermediate/existing" {
  capabilities = ["create", "update"]
}
path "pki/issuers/import/cert" {
  capabilities = ["create", "update"]
}
path "pki/keys" {
  capabilities = ["list"]
}
# A name says how far an authority has come; one that is former issues no more.
path "pki/issuer/+" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "issuer_name" = ["next-*", "hosting-*", "former-*"]
    "usage"       = []
  }
}
path "pki/key/+" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "key_name" = ["hosting-*", "former-*"]
  }
}
# Which one issues; never by itself the one that was made last.
path "pki/config/issuers" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "default"                       = []
    "default_follows_latest_issuer" = [false]
  }
}
# Lists of what was revoked are never switched off.
path "pki/config/crl" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "disable"                   = [false]
    "expiry"                    = []
    "auto_rebuild"              = [true]
    "auto_rebuild_grace_period" = []
  }
}
# Who gets which certificates; never whatever name somebody asks for.
path "pki/roles" {
  capabilities = ["list"]
}
path "pki/roles/hosting-*" {
  capabilities = ["create", "read", "update", "delete"]
  denied_parameters = {
    "allow_any_name" = [true]
  }
}
# Proving an authority: a certificate of a name that cannot exist, for minutes, which is then revoked.
path "pki/sign/hosting-proof" {
  capabilities = ["create", "update"]
}
path "pki/issuer/+/sign/hosting-proof" {
  capabilities = ["create", "update"]
}
# The other ends of tunnels, each by a role for its one name, from requests that establishments send; never a gateway's.
path "pki/sign/hosting-peer-*" {
  capabilities = ["create", "update"]
}
path "pki/revoke" {
  capabilities = ["create", "update"]
}
path "pki/crl/rotate" {
  capabilities = ["read"]
}
# A list of what was revoked, signed anew for peers that cannot fetch the next: nothing can be added to it by this.
path "pki/issuer/+/resign-crls" {
  capabilities = ["create", "update"]
}
# What an authority has issued, to be seen to have ended before it does.
path "pki/certs" {
  capabilities = ["list"]
}
# The end of one that another has taken the place of, by that name only: the vault would end the one that issues too.
path "pki/issuer/former-*" {
  capabilities = ["delete"]
}
path "pki/key/former-*" {
  capabilities = ["delete"]
}

# -- identities of hosts ----------------------------------------------------------------------------------------------

path "auth/approle/role" {
  capabilities = ["list"]
}
# The role itself, its role-id, its secret-ids and their accessors.  A role carries one policy of a host or of an
# engine, never the rights of people: its name is a text that begins with `hosting-`, a list is refused, and so is a
# second name behind a comma.  Whatever else would hand out rights is not among the parameters.
path "auth/approle/role/hosting-*" {
  capabilities = ["create", "read", "update", "delete", "list"]
  allowed_parameters = {
    "token_policies"          = ["hosting-*"]
    "token_no_default_policy" = [true]
    "token_type"              = ["default"]
    "token_ttl"               = []
    "token_max_ttl"           = []
    "token_explicit_max_ttl"  = []
    "token_period"            = []
    "token_num_uses"          = []
    "token_bound_cidrs"       = []
    "bind_secret_id"          = [true]
    "secret_id_bound_cidrs"   = []
    "secret_id_num_uses"      = []
    "secret_id_ttl"           = []
    "role_id"                 = []
    "metadata"                = []
    "num_uses"                = []
    "secret_id_accessor"      = []
  }
  denied_parameters = {
    "token_policies" = ["*,*"]
  }
}

# -- proofs: tokens that live for minutes, made to be refused ---------------------------------------------------------

# Nothing else is chosen: above all not the name by which the vault would attest whose the token is.
path "auth/token/create/hosting-proofs" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "policies"          = []
    "ttl"               = []
    "no_default_policy" = [true]
    "renewable"         = [false]
  }
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
