#!/bin/sh
# Runs a command with POINTSMAN_TEST_POSTGRES_URL naming a throwaway Postgres:
#
#	host/store/storetest/postgres.sh go test ./host/store/...
#
# If the variable is set already, the command is just run. Otherwise a cluster is
# made in a temporary folder, reachable through a socket in that folder alone, and
# removed when the command ends; the exit status is the command's. As root it runs
# under another user, and Debian's postgresql is installed when there is none.
set -eu

oldest=15 # as minVersion in host/store/postgres

say() { echo "postgres.sh: $*" >&2; }

die() {
	say "$*"
	exit 1
}

# find_bin prints the folder of the first initdb that is new enough.
find_bin() {
	for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
		/opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb /usr/local/pgsql/bin/initdb; do
		[ -x "$initdb" ] || continue
		bin=$(dirname "$(readlink -f "$initdb" 2>/dev/null || echo "$initdb")")
		version=$("$initdb" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
		if [ -x "$bin/pg_ctl" ] && [ "${version:-0}" -ge "$oldest" ]; then
			echo "$bin"
			return
		fi
	done
	return 1
}

# install_postgres leaves no cluster behind: Debian makes and starts one unless it
# is told not to, and then has its setting back.
install_postgres() {
	say "installing postgresql"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >&2
	apt-get install -qq -y --no-install-recommends postgresql-common >&2
	conf=/etc/postgresql-common/createcluster.conf
	cp -p "$conf" "$conf.before" 2>/dev/null || true
	echo "create_main_cluster = false" >>"$conf"
	installed=0
	apt-get install -qq -y --no-install-recommends postgresql >&2 || installed=$?
	if [ -e "$conf.before" ]; then mv "$conf.before" "$conf"; fi
	return "$installed"
}

[ $# -gt 0 ] || die "usage: $0 COMMAND [ARGUMENT...]"

if [ -n "${POINTSMAN_TEST_POSTGRES_URL:-}" ]; then
	exec "$@"
fi

root=false
if [ "$(id -u)" -eq 0 ]; then root=true; fi

if ! bin=$(find_bin); then
	if ! $root || ! command -v apt-get >/dev/null; then
		die "no Postgres $oldest or later: install it, or set POINTSMAN_TEST_POSTGRES_URL"
	fi
	install_postgres || die "postgresql could not be installed: set POINTSMAN_TEST_POSTGRES_URL instead"
	bin=$(find_bin) || die "the postgresql that was installed has no initdb"
fi

# Postgres refuses to run as root.
owner=
if $root; then
	for candidate in postgres nobody; do
		if id "$candidate" >/dev/null 2>&1; then
			owner=$candidate
			break
		fi
	done
	[ -n "$owner" ] || die "there is neither a user postgres nor nobody to run Postgres as"
fi

as_owner() {
	if ! $root; then
		"$@"
	elif command -v setpriv >/dev/null; then
		setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"
	elif command -v runuser >/dev/null; then
		runuser -u "$owner" -- "$@"
	else
		su -s /bin/sh "$owner" -c 'exec "$@"' -- sh "$@"
	fi
}

# What runs of this script have left behind that were killed: folders, and servers that run on. The
# number of a process may be another's by now, so its command line must name the folder.
for left in /tmp/pointsman-postgres.*.*; do
	run=${left#/tmp/pointsman-postgres.}
	run=${run%%.*}
	if [ ! -d "$left" ] || [ -d "/proc/$run" ] || [ ! -d /proc/self ] || kill -0 "$run" 2>/dev/null; then continue; fi
	pid=$(head -n 1 "$left/data/postmaster.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && grep -qs "$left/data" "/proc/$pid/cmdline"; then
		say "ending the Postgres of a run that was killed"
		kill -QUIT "$pid" 2>/dev/null || true
	fi
	rm -rf "$left" 2>/dev/null || true
done

# A socket's path has at most about 100 bytes, so not in a long TMPDIR.
dir=$(mktemp -d "/tmp/pointsman-postgres.$$.XXXXXX")
server=
child=

stop() {
	if [ -n "$server" ]; then
		# Immediate: what is in there is thrown away. Again, since one that has only just
		# begun cannot be stopped yet. Waited for, so that no zombie stays.
		until in_dir "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; do
			kill -0 "$server" 2>/dev/null || break
			sleep 0.1
		done
		wait "$server" || true
	fi
	rm -rf "$dir"
}
trap stop EXIT
trap 'if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || true; else exit 130; fi' INT TERM HUP

if $root; then chown "$owner" "$dir"; fi
in_dir() { (cd "$dir" && as_owner "$@"); } # its owner may not enter the present folder

in_dir "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log.initdb" 2>&1 || {
	cat "$dir/log.initdb" >&2
	die "initdb failed"
}
cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
shared_buffers = '64MB'
CONF
in_dir "$bin/postgres" -D "$dir/data" >"$dir/log" 2>&1 </dev/null &
server=$!
tries=0
until in_dir "$bin/pg_isready" -q -h "$dir"; do
	tries=$((tries + 1))
	if [ "$tries" -ge 300 ] || ! kill -0 "$server" 2>/dev/null; then
		cat "$dir/log" >&2
		die "Postgres did not start"
	fi
	sleep 0.2
done

export POINTSMAN_TEST_POSTGRES_URL="postgres://postgres@/postgres?host=$dir"

# In the background, so that a signal is handled while the command runs; it keeps
# this script's input.
exec 3<&0
"$@" <&3 3<&- &
child=$!
status=0
while :; do
	status=0
	wait "$child" || status=$?
	kill -0 "$child" 2>/dev/null || break # a signal ends wait, but not the command
done
exit "$status"
