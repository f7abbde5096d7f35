#!/bin/sh
# Sees to what the dashboard is built and tested with: Node.js with npm, and Chromium.
#
#	host/dashboard/toolchain.sh
#
# What is missing is installed from Debian as root; otherwise it is said what is missing, and
# that is an error only where CI is set: there the dashboard must be built and tested.
set -eu

say() { echo "toolchain.sh: $*" >&2; }

has_npm() { command -v node >/dev/null && command -v npm >/dev/null; }
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

packages=
has_npm || packages="nodejs npm"
has_chromium || packages="$packages chromium"
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
has_npm || missing="node and npm"
has_chromium || missing="${missing:+$missing, }chromium"
if [ -n "$missing" ]; then
	say "missing: $missing"
	if [ -n "${CI:-}" ]; then exit 1; fi
fi
