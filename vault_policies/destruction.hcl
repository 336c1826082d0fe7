# What the person may do who carries an approved destruction of keys out, besides what an operations engineer may.
# Held by nobody in daily work: a token with this policy and with `people-operations` is issued for one destruction,
# to somebody who keeps it for hours, and revoked afterwards.  Asking and approving need nothing of this.
# Written with a root token (`hosting bootstrap`), which is then revoked.

# Letting a key be deleted, which operations engineers may only ever forbid.
path "transit/keys/+/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [true]
  }
}
# Ending a key, and with it whatever it wraps, wherever copies of that lie.  By `+` and not `hosting-*`, which would take
# precedence over every longer path below the keys.
path "transit/keys/+" {
  capabilities = ["read", "delete"]
}
# Never those of the platform, which no application's destruction needs: there, an operations engineer's rights are all.
path "transit/keys/hosting-platform-secrets" {
  capabilities = ["create", "read", "update"]
}
# And its deletion can only be forbidden.
path "transit/keys/hosting-platform-secrets/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [false]
  }
}
# The same of the key that stores are tried with.
path "transit/keys/hosting-platform-probe" {
  capabilities = ["create", "read", "update"]
}
# And its deletion can only be forbidden.
path "transit/keys/hosting-platform-probe/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [false]
  }
}
