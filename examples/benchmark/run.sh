#!/bin/bash
# run.sh [SECONDS [CONNECTIONS]]: an nginx as the service, asked directly, through
# the gateway, and through the gateway with a token. Everything is on loopback and
# is gone afterwards. UPSTREAM_PORT and PORT choose other ports.
set -euo pipefail
seconds=${1:-10} connections=${2:-64}
upstream=${UPSTREAM_PORT:-8080} port=${PORT:-4485}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
export PATH=$PATH:/usr/sbin # where Debian has nginx

await() { # until the URL answers
	for _ in {1..100}; do
		curl -fs -o /dev/null "$1" && return
		sleep 0.1
	done
	echo "$1 does not answer" >&2
	cat "$work"/*.log >&2
	return 1
}

sed "s/8080/$upstream/" "$here/nginx.conf" >"$work/nginx.conf"
sed "s/8080/$upstream/" "$here/postern.yaml" >"$work/postern.yaml"
cp "$here/../quickstart/issuer.pub" "$work"
(cd "$here/../.." && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$work/postern" .)

nginx -p "$work" -c nginx.conf -e nginx.log -g 'daemon off;' &
pids+=($!)
POSTERN_PORTS_HTTP=127.0.0.1:$port POSTERN_ADMIN_API_LISTEN=127.0.0.1:0 \
	"$work/postern" run -c "$work/postern.yaml" >/dev/null 2>"$work/postern.log" &
pids+=($!)
await "http://127.0.0.1:$upstream/"
await "http://127.0.0.1:$port/open/"

measure() { # NAME URL [HEADER]
	local name=$1 url=$2
	shift 2
	local row
	row=$(wrk -t 2 -c "$connections" -d "${seconds}s" -s "$here/report.lua" "$@" "$url" | grep "^|")
	echo "${row/NAME/$name}"
	[[ $row == *"| 0 |" ]] # what fails is fast, too
}

echo "$(nproc) processors, $(uname -m); $(go version | cut -d' ' -f3); $(nginx -v 2>&1 | cut -d' ' -f3); $connections connections, $seconds s each"
echo "| what | requests/s | p50 ms | p99 ms | failed |"
echo "|---|---|---|---|---|"
measure "nginx alone" "http://127.0.0.1:$upstream/"
measure "through the gateway" "http://127.0.0.1:$port/open/"
measure "through the gateway, with a token" "http://127.0.0.1:$port/orders/" -H "Authorization: Bearer $(cat "$here/../quickstart/reader.jwt")"
