#!/usr/bin/env bash
# usage: scripts/check-arm.sh [TARGET]
# Builds the crates without Burn (kernels, batch, formats, data) for 64-bit ARM into TARGET (target/arm) and runs their tests
# under qemu-aarch64, which needs no such machine: whether NEON computes what the portable instance does. Needs a cross
# compiler and qemu (gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user on Debian) and the standard library
# (rustup target add aarch64-unknown-linux-gnu).
set -euo pipefail
cd "$(dirname "$0")/.."
triple=aarch64-unknown-linux-gnu
root=/usr/aarch64-linux-gnu
missing=()
command -v aarch64-linux-gnu-gcc > /dev/null || missing+=(gcc-aarch64-linux-gnu)
[ -e "$root/lib/libc.so.6" ] || missing+=(libc6-dev-arm64-cross)
command -v qemu-aarch64 > /dev/null || missing+=(qemu-user)
if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]}; install them: apt-get install ${missing[*]}" >&2
  exit 1
fi
if [ ! -d "$(rustc --print target-libdir --target $triple)" ]; then
  echo "missing: the standard library for $triple; install it: rustup target add $triple" >&2
  exit 1
fi
export CARGO_TARGET_DIR=${1:-target/arm}
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# Tests that start themselves once more need it, too: the kernel does not know how to run such a program.
export COUNTERPOINT_TEST_RUNNER="qemu-aarch64 -L $root"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$COUNTERPOINT_TEST_RUNNER
cargo test --target $triple --locked -p counterpoint-kernels -p counterpoint-batch -p counterpoint-formats --lib --tests
# Of the data sets what computes: the rest reads and lists files.
cargo test --target $triple --locked -p counterpoint-data --lib --test golden
