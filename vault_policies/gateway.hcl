# What the gateway {{host}} may do: have its own name certified, for the tunnels that it ends.  Nothing of an application,
# and nobody else's name.

# A request made on the gateway, whose key never leaves it.  The role certifies its one name and no other.
path "pki/sign/hosting-gateway-{{host}}" {
  capabilities = ["update"]
}

# Authorities and their lists of what was revoked are public: the vault gives them to whoever asks, without a token.

# Whether the secret-id that it holds is still known, and by which accessor: as for the identities of applications.
path "auth/approle/role/hosting-platform-{{host}}/secret-id/lookup" {
  capabilities = ["update"]
}

# Its own token: a look, and an end when the work is done.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
# And its end, when the work is done.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
