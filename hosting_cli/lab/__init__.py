"""A whole small region on one machine: real engines as processes, real Debian hosts under QEMU."""
