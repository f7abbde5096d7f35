#!/usr/bin/env bash
# Plays somebody who has the repository's address and its README.md, and nothing else: clones it into an empty
# folder, starts it by the README's first command, types the line that the start prints, writes a rule and a plugin
# by the README's blocks, and sees that both decide.
#
#	.ci/newcomer.sh [REPOSITORY]
#
# REPOSITORY is this one unless it is given. Of `make test` only what it would do is looked at, as this script is a
# part of it. With NEWCOMER=long nothing is shared with whoever runs this: Go's modules and builds are
# fetched and made anew, and the dashboard is built as `make run` does it. Without, the dashboard is left out.
set -Eeuo pipefail
trap 'echo "newcomer.sh: line $LINENO: $BASH_COMMAND" >&2' ERR
repository=$(cd "${1:-$(dirname "$0")/..}" && pwd)
dir=$(mktemp -d)
server=
finish() {
	status=$?
	if [ -n "$server" ]; then kill -TERM -- "-$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
	if [ "$status" -ne 0 ] && [ -e "$dir/start" ]; then cat "$dir/start" >&2; fi
	rm -rf "$dir"
	exit "$status"
}
trap finish EXIT
trap "exit 143" TERM INT
step() { echo "newcomer.sh: $*"; }

# block prints the indented block of the README's section whose first line begins so.
block() {
	awk -v section="## $1" -v begins="    $2" '
		/^## / { in_section = $0 == section }
		!in_section { next }
		!in_block && index($0, begins) == 1 { in_block = 1 }
		in_block && !/^    / { exit }
		in_block { print substr($0, 5) }' README.md | grep . || { echo "README.md has no block '$2' under '$1'" >&2; return 1; }
}

step "clone $repository"
git clone --quiet --no-hardlinks "$repository" "$dir/pointsman"
cd "$dir/pointsman"
# What is running is a process of its own, with no setting of this machine's.
for variable in $(compgen -e | { grep -E '^(POINTSMAN_|OPENAI_|ANTHROPIC_|GEMINI_|GOOGLE_GEMINI_|RAPTOR_|OTEL_|MAKE|MFLAGS)' || true; }); do unset "$variable"; done
skip=(-o dashboard)
if [ "${NEWCOMER:-}" = long ]; then
	skip=()
	export GOPATH=$dir/go GOCACHE=$dir/cache GOFLAGS=-modcacherw
	unset GOMODCACHE
fi

step "make test, of which only the plan is looked at"
block "Run it" "make run" | grep -q '^make test '
make -n test >"$dir/plan"
grep -q 'go test .*\./\.\.\.' "$dir/plan"

step "make run, on a free port"
block "Run it" "make run" | grep -q '^make run '
set -m # a process group of its own, to end all of it
POINTSMAN_LISTEN=127.0.0.1:0 make "${skip[@]}" run >"$dir/start" 2>&1 &
server=$!
set +m
until grep -q '^Try ' "$dir/start"; do
	kill -0 "$server"
	sleep 0.1
done
URL=$(sed -n 's|^Pointsman API *\(http://.*\)/v1$|\1|p' "$dir/start")
POINTSMAN_KEY=$(sed -n 's/^Super-admin key *//p' "$dir/start")
export URL POINTSMAN_KEY POINTSMAN_URL=$URL
until curl --silent --fail --output "$dir/ready" "$URL/readyz"; do
	kill -0 "$server"
	sleep 0.1
done

step "the curl line as it is printed"
bash -c "$(sed -n 's/^Try *//p' "$dir/start")" >"$dir/answer" 2>/dev/null
grep -q '"object":"chat.completion"' "$dir/answer"

curl() { command curl --silent --show-error --fail-with-body "$@"; }
decided() { # by which rule a text is
	curl --include "$URL/v1/chat/completions" -H "Authorization: Bearer $POINTSMAN_KEY" -H 'Content-Type: application/json' \
		-d "{\"model\": \"auto\", \"messages\": [{\"role\": \"user\", \"content\": \"$1\"}]}" | tr -d '\r' | sed -n 's/^x-pointsman-rule: //Ip'
}

step "a rule"
before=$(decided "What does this clause mean?")
eval "$(block "Write a rule" "curl")" >"$dir/rule"
[ "$before" != contracts ]
[ "$(decided "What does this clause mean?")" = contracts ]

step "a plugin"
block "Write a plugin" "export PATH" | sed -e 's/pm_…/$POINTSMAN_KEY/' -e 's/ --watch/ /' -e 's/plugin bench/plugin bench --time 5ms/' >"$dir/plugin"
eval "$(cat "$dir/plugin")" >"$dir/made"
[ "$(decided "Please refactor this clause.")" = hello ]
[ "$(decided "What does this clause mean?")" = contracts ]

step "stop"
kill -TERM -- "-$server"
wait "$server" || true
server=
grep -q '"message":"ready"' "$dir/start"
step "all of it worked"
