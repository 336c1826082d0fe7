# Run in the template just before it is saved: log in twice, so that what a login reads is in every clone's memory, and
# write everything down, so that clones have nothing left to write for it.
set -eu
key=$(mktemp -u)
ssh-keygen -q -t ed25519 -N '' -f "$key"
cp "$key.pub" /root/.ssh/authorized_keys
for login in 1 2; do
  ssh -i "$key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 \
    'ip -brief address; python3 -c "import json, pathlib, ssl, subprocess, urllib.request"'
done
rm "$key" "$key.pub" /root/.ssh/authorized_keys
networkctl reload
sync
echo 1 > /proc/sys/vm/compact_memory
