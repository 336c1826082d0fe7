# What the object store may do with the key {{key}}: wrap and unwrap the data keys of objects.  One such block for each
# key that a bucket of the region is encrypted under, so that a key somebody else makes can never be used for ours.

# Never `create`: with it, asking for a key that does not exist would make it.
path "transit/encrypt/{{key}}" {
  capabilities = ["update"]
}
# Each reading of an object; without it, disabling a key would end nothing.
path "transit/decrypt/{{key}}" {
  capabilities = ["update"]
}
# The store looks whether a key exists before it takes it for a bucket.
path "transit/keys/{{key}}" {
  capabilities = ["read"]
}
