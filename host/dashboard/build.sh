#!/bin/sh
# Builds the dashboard from web/ into dist/, which the next link of the program embeds.
#
#	host/dashboard/build.sh [--if-stale]
#
# bin/pointsman must be there: it prints the description of the API that the types of the
# dashboard are made from. With --if-stale nothing is done when dist/ is newer than every source,
# and no npm is no error unless CI is set.
set -eu
cd "$(dirname "$0")"
program=../../bin/pointsman
web=web
document=$web/src/api/openapi.json

if [ ! -f $web/package.json ]; then
	echo "The dashboard has no source here." >&2
	exit 0
fi
if ! command -v npm >/dev/null; then
	echo "The dashboard needs Node.js 20 or later with npm (Debian: apt-get install nodejs npm); then run: make ui build" >&2
	if [ "${1:-}" = --if-stale ] && [ -z "${CI:-}" ]; then exit 0; fi
	exit 1
fi

# Written anew only when it is another one: its age is that of the API.
mkdir -p ../../.build
described=../../.build/openapi.json
$program openapi >$described.new
if cmp -s $described.new $described; then rm $described.new; else mv $described.new $described; fi

# What the build makes of the description is no source.
stale() {
	[ -f dist/index.html ] || return 0
	[ -n "$(find $described $web -name node_modules -prune -o -path $web/src/api/openapi.json -o -path $web/src/api/schema.ts -o \
		-path $web/src/api/access.ts -o -path $web/shots -prune -o -type f -newer dist/index.html -print | head -n 1)" ]
}
if [ "${1:-}" = --if-stale ] && ! stale; then exit 0; fi
cp $described $document

cd $web
installed=node_modules/.package-lock.json
if [ ! -f $installed ] || [ package-lock.json -nt $installed ]; then
	npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent build
cd ..
touch dist/.gitkeep # a build that empties the folder takes it away
touch dist/index.html
