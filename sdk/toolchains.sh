#!/bin/sh
# Sees to the compilers that the tests of the SDKs for C and Rust use: clang with
# wasm-ld, and cargo with a rustc that has the target wasm32-unknown-unknown.
#
#	sdk/toolchains.sh
#
# What is missing is installed from Debian as root; otherwise it is said what is missing, and
# that is an error only where CI is set: there a test without its compiler fails.
set -eu

say() { echo "toolchains.sh: $*" >&2; }

has_clang() { command -v clang >/dev/null && command -v wasm-ld >/dev/null; }

# A rustc on the PATH may lack the target that the system's has.
has_rust() {
	for bin in "" /usr/bin/; do
		command -v "${bin}cargo" >/dev/null || continue
		lib=$("${bin}rustc" --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) || continue
		if [ -d "$lib" ]; then return; fi
	done
	return 1
}

packages=
has_clang || packages="clang lld"
has_rust || packages="$packages cargo rustc libstd-rust-dev-wasm32 lld"
if [ -z "$packages" ]; then exit 0; fi

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	say "installing $packages"
	export DEBIAN_FRONTEND=noninteractive
	{
		apt-get update -qq
		# shellcheck disable=SC2086 # a list of names
		apt-get install -qq -y --no-install-recommends $packages
	} >/dev/null || say "apt-get failed"
fi

missing=
has_clang || missing="clang and wasm-ld"
has_rust || missing="${missing:+$missing, }cargo with the target wasm32-unknown-unknown"
if [ -n "$missing" ]; then
	say "missing: $missing"
	if [ -n "${CI:-}" ]; then exit 1; fi
fi
