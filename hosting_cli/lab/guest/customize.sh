# Turn a freshly unpacked Debian into a lab machine.  Run by mmdebstrap with the root directory as $1; its text is passed
# as an argument, so that it also works where the namespaced root of --mode=unshare cannot read the checkout.
set -eu
root=$1

# The kernel is unpacked, not installed: installing it would generate an initramfs that nothing here ever boots.
archives="$root/var/cache/apt/archives"
apt() { APT_CONFIG=$MMDEBSTRAP_APT_CONFIG "$@"; }
kernel=$(apt apt-cache show --no-all-versions linux-image-cloud-amd64 | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
mkdir "$root/lab-boot" "$root/lab-unpacked"
for package in "$kernel" busybox-static; do
  # By its full name: older versions may lie beside it.
  file=$(apt apt-get download --print-uris "$package" | cut -d ' ' -f 2)
  (cd "$archives" && apt apt-get -o APT::Sandbox::User=root download "$package")
  dpkg-deb --extract "$archives/$file" "$root/lab-unpacked"
done
release=$(ls "$root/lab-unpacked/usr/lib/modules")
mkdir -p "$root/usr/lib/modules"
mv "$root/lab-unpacked/usr/lib/modules/$release" "$root/usr/lib/modules/"
chroot "$root" depmod --all "$release"

# What the initramfs is made of leaves through lab-boot: the kernel, busybox, and the modules with their dependencies.
cp "$root"/lab-unpacked/boot/vmlinuz-* "$root/lab-boot/vmlinuz"
cp "$root"/lab-unpacked/usr/bin/busybox "$root/lab-boot/busybox"
cp "$root/usr/lib/modules/$release/modules.dep" "$root/usr/lib/modules/$release/modules.builtin" "$root/lab-boot/"
mkdir "$root/lab-boot/modules"
cp -r "$root/usr/lib/modules/$release/kernel" "$root/lab-boot/modules/"
rm -rf "$root/lab-unpacked"

# Identity is given to each machine by the guest agent; this one is the template's, and every machine replaces it.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
echo 6c61622d74656d706c6174652d6f6e6c > "$root/etc/machine-id"
echo template > "$root/etc/hostname"
chroot "$root" ssh-keygen -q -t ed25519 -N '' -C template -f /etc/ssh/ssh_host_ed25519_key
mkdir -p -m 0700 "$root/root/.ssh"
# Nothing answers name queries here: an empty file makes them fail at once instead of after a time-out.
: > "$root/etc/resolv.conf"
# The initramfs has mounted the root file system as it stays; what is deployed may add its own.
: > "$root/etc/fstab"

in_root() { chroot "$root" "$@"; }
in_root systemctl enable --quiet systemd-networkd.service lab-agent.service lab-ready.service
# Installed, and started by whoever deploys them.
in_root systemctl disable --quiet systemd-networkd-wait-online.service chrony.service nftables.service \
  prometheus-node-exporter.service strongswan.service lvm2-monitor.service \
  blk-availability.service e2scrub_reap.service \
  systemd-pstore.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  xfs_scrub_all.timer fstrim.timer
# Under emulation each of these costs a half to a full second of every boot, and nothing deployed here needs it.
in_root systemctl mask --quiet -- getty@tty1.service serial-getty@ttyS0.service console-getty.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service \
  systemd-network-generator.service systemd-networkd-persistent-storage.service systemd-machine-id-commit.service \
  systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-pcrphase.service systemd-pcrphase-sysinit.service \
  systemd-pcrmachine.service systemd-boot-update.service systemd-initctl.socket systemd-initctl.service \
  dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount dev-mqueue.mount run-lock.mount systemd-remount-fs.service \
  systemd-tmpfiles-setup-dev-early.service systemd-udev-load-credentials.service modprobe@drm.service modprobe@configfs.service modprobe@fuse.service modprobe@efi_pstore.service
wants="$root/usr/lib/systemd/system"
rm -f "$wants/multi-user.target.wants/systemd-logind.service" "$wants/multi-user.target.wants/systemd-ask-password-wall.path" \
  "$wants/sysinit.target.wants/systemd-ask-password-console.path"
# Generators cost as much each; of these, the one for fstab has something to generate here.
mkdir -p "$root/etc/systemd/system-generators"
for generator in debug getty gpt-auto hibernate-resume rc-local run ssh system-update sysv tpm2; do
  ln -s /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done
# Everything here has a unit; with these gone, `systemctl enable` need not run Perl to keep them in step.
rm -f "$root"/etc/init.d/* "$root"/etc/rc?.d/*
# Empty as it comes; systemd-modules-load has nothing to do until somebody adds a file.
rm -f "$root/etc/modules-load.d/modules.conf"
in_root systemctl set-default --quiet multi-user.target

rm -f "$root"/var/log/*.log "$root/var/cache/ldconfig/aux-cache" "$root/var/lib/systemd/random-seed"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
# /usr was not updated since: the units that rebuild caches after an update of /usr have nothing to do at boot.
touch "$root/etc/.updated" "$root/var/.updated"
