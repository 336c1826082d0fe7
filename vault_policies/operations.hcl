# What an operations engineer may do: exactly what `hosting plan`, `apply`, `verify` and `drift` need.  Not here:
# deleting or exporting keys, destroying secrets, reading the audit log, sealing, changing people's own rights.
# Written with a root token (`hosting bootstrap`), which is then revoked.
# HashiCorp Vault does not know the capability `scan`: there, leave the word out (`render.people(scan=False)`).

# -- looking around -------------------------------------------------------------------------------------------------

# Which engines there are: each plan reads it.
path "sys/mounts" {
  capabilities = ["read"]
}
# And by which ways anybody logs in.
path "sys/auth" {
  capabilities = ["read"]
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

# -- engines, mounted once and never unmounted ------------------------------------------------------------------------

# Keys that never leave the vault.
path "sys/mounts/transit" {
  capabilities = ["create", "update"]
}
# Secrets, as ciphertext of those keys.
path "sys/mounts/kv" {
  capabilities = ["create", "update"]
}
# The authority of certificates for links.
path "sys/mounts/pki" {
  capabilities = ["create", "update"]
}
# The authority of logins.
path "sys/mounts/ssh" {
  capabilities = ["create", "update"]
}
# The vault itself asks for `sudo` here.
path "sys/auth/approle" {
  capabilities = ["create", "update", "sudo"]
}

# -- policies of applications and of the platform ---------------------------------------------------------------------

# Which there are, so that one whose application has left the files is found.
path "sys/policies/acl" {
  capabilities = ["list"]
}
# The same with what belongs to each, in one answer.
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

# Which there are, so that one that nobody asks for is found.
path "transit/keys" {
  capabilities = ["list"]
}
# Making one, and looking at how it is set.
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
# What lies in the vault is brought up to the new version without being seen.
path "transit/rewrap/hosting-*" {
  capabilities = ["update"]
}
# Proving that an object is unreadable while its key is disabled, and enabling it again.  Nothing is lost by either.
path "transit/keys/+/soft-delete" {
  capabilities = ["delete"]
}
# Enabling it again, also after an incident.
path "transit/keys/+/soft-delete-restore" {
  capabilities = ["create", "update"]
}
# `update` only: encrypting under a key that does not exist must fail, not make it.
path "transit/encrypt/hosting-*" {
  capabilities = ["update"]
}
# Reading a secret back after it was stored, and handing a volume's passphrases to its host.
path "transit/decrypt/hosting-*" {
  capabilities = ["update"]
}

# Records of evidence are signed in the name of whoever collects them; the record says who, and the audit log does.
path "transit/sign/hosting-platform-signing" {
  capabilities = ["update"]
  allowed_parameters = {
    "input" = []
  }
}
# What it signed, held against its own public key.
path "transit/verify/hosting-platform-signing" {
  capabilities = ["update"]
}

# -- secrets: made, read back, replaced; older versions stay ----------------------------------------------------------

# Their ciphertexts.  Never their end: neither `delete` nor `destroy`.
path "kv/data/hosting/*" {
  capabilities = ["create", "read", "update"]
}
# Our mark on each, and which version is of when.
path "kv/metadata/hosting/*" {
  capabilities = ["create", "read", "update", "list"]
}
# A rotation keeps a volume's next passphrase in an entry of its own, which ends when the volume's entry has it.
path "kv/metadata/hosting/+/volumes/+/+/active-next" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
# The same for the recovery passphrase.
path "kv/metadata/hosting/+/volumes/+/+/recovery-next" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
# All marks in one answer: a plan would ask once for each entry otherwise.
path "kv/detailed-metadata/hosting/*" {
  capabilities = ["list", "scan"]
}

# Who runs which runbook now, so that no two people do the same: changed by check-and-set, and no secret.
path "kv/data/leases/+" {
  capabilities = ["create", "read", "update"]
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
# Made in the vault like the first; whatever is brought along is refused.
path "ssh/issuers/import/next-*" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "generate_signing_key" = [true]
    "key_type"             = ["ed25519"]
  }
}
# Giving it the name that says so.  No other setting of an authority.
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
# A certificate of that kind, for minutes.
path "ssh/sign/rotation-trial" {
  capabilities = ["create", "update"]
}
# Which kinds of certificates there are.
path "ssh/roles" {
  capabilities = ["list"]
}
# For whom and for how long each is signed: a plan writes them.
path "ssh/roles/hosting-*" {
  capabilities = ["create", "read", "update", "delete"]
}
# One's own, for as long as a command takes.
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
# The same for a key that is here already: a run that was killed had only come to that.
path "pki/issuers/generate/root/existing" {
  capabilities = ["create", "update"]
}
# Which there are, and how far each has come.
path "pki/issuers" {
  capabilities = ["list"]
}
# Where its root is offline: a key made in the vault, the request for it, and the certificates that come back; no key can
# be brought along by this.
path "pki/issuers/generate/intermediate/internal" {
  capabilities = ["create", "update"]
}
# The request once more, when it was lost on its way to the root.
path "pki/issuers/generate/intermediate/existing" {
  capabilities = ["create", "update"]
}
# Certificates only: a bundle with a key in it is another path.
path "pki/issuers/import/cert" {
  capabilities = ["create", "update"]
}
# For which keys requests were made and not answered yet.
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
# A key is called like its authority, and ends with it.
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
# For which one name and for how long each is issued: a plan writes them.
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
# The same by one that does not issue for everybody yet, or no longer.
path "pki/issuer/+/sign/hosting-proof" {
  capabilities = ["create", "update"]
}
# The other ends of tunnels, each by a role for its one name, from requests that establishments send; never a gateway's.
path "pki/sign/hosting-peer-*" {
  capabilities = ["create", "update"]
}
# Whoever lost a key is let in no more: an establishment's, or that of a proof.
path "pki/revoke" {
  capabilities = ["create", "update"]
}
# A list of what was revoked, anew and at once.
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
# And of its key.
path "pki/key/former-*" {
  capabilities = ["delete"]
}

# -- identities of hosts ----------------------------------------------------------------------------------------------

# Which there are, so that one whose application has left the files is found.
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
# Their end, as soon as they were refused.
path "auth/token/revoke" {
  capabilities = ["update"]
}
# What such a token may do where trying it would destroy something.
path "sys/capabilities" {
  capabilities = ["update"]
}

# -- one's own token --------------------------------------------------------------------------------------------------

# Whose it is, as the vault attests it: for approvals and for the journal.
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
