#!/bin/sh
# Builds the archive, serves it on a free port, posts a picture, prints what it shows. On a terminal
# the server stays until Ctrl-C; elsewhere, and where CI is set, it is stopped.
#
# BIN: the bin folder of the environment that mxnet-model-server is installed in
# (default: .venv/bin of the checkout).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
picture=examples/kitten.jpg
ready_seconds=120
stop_seconds=20

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mms-demo.XXXXXX")
archive=$scratch/efficientnet_lite0.model
server=

running() { kill -0 "$server" 2>/dev/null; }

stop_server() {
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null || true
    seconds=0
    while running && [ "$seconds" -lt "$stop_seconds" ]; do
        sleep 1
        seconds=$((seconds + 1))
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

clean_up() {
    status=$?
    trap '' INT TERM HUP
    stop_server
    rm -rf "$scratch"
    exit "$status"
}

fail() {
    echo "demo: $1" >&2
    if [ -s "$scratch/server.out" ]; then
        echo "demo: the server's output:" >&2
        cat "$scratch/server.out" >&2
    fi
    exit 1
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

BIN=$(cd "${BIN:-$root/.venv/bin}" && pwd) || fail 'set BIN to the bin folder of an environment'
cd "$root"
for tool in "$BIN/python" "$BIN/mxnet-model-server" curl; do
    command -v "$tool" >/dev/null || fail "$tool is needed and is not there"
done

echo 'Building the archive ...'
"$BIN/python" "$here/build_archive.py" --output "$scratch" || fail 'the archive cannot be built'

port=$("$BIN/python" -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])')
no_proxy=127.0.0.1
export no_proxy

echo 'Starting mxnet-model-server ...'
"$BIN/mxnet-model-server" --models "efficientnet=$archive" --port "$port" \
    --log-file "$scratch/mms_app.log" >"$scratch/server.out" 2>&1 &
server=$!

seconds=0
until curl -fs -m 5 "http://127.0.0.1:$port/ping" >/dev/null; do
    running || fail 'the server stopped before it was ready'
    [ "$seconds" -lt "$ready_seconds" ] || fail "the server was not ready after $ready_seconds s"
    sleep 1
    seconds=$((seconds + 1))
done

url=http://127.0.0.1:$port/efficientnet/predict
echo
echo "curl -X POST $url -F \"data=@$picture\""
curl -sS -m 60 -X POST "$url" -F "data=@$picture" >"$scratch/answer.json" \
    || fail 'the request failed'
echo
"$BIN/python" "$here/show.py" <"$scratch/answer.json" || fail 'the answer is no prediction'
echo
if [ -t 0 ] && [ -t 1 ] && [ -z "${CI:-}" ]; then
    # It is how the demo ends.
    trap 'exit 0' INT
    echo "The server goes on until Ctrl-C: the curl line works in another terminal, with your"
    echo "pictures too, and a browser shows it all at http://127.0.0.1:$port/console"
    wait "$server" || true
fi
