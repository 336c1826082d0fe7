# What the second person may do: say who they are.  Approving is a record in the journal, so nothing else is needed;
# and whoever can only approve cannot also carry out.
# Written with a root token (`hosting bootstrap`), which is then revoked.

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
