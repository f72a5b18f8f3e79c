#!/usr/bin/env bash
# Counts what a stock nginx has logged of real requests, and compares it with what was asked of it.
#
#   Tests/Gateways/nginx.sh [FOLDER]     leaves logs and truth in FOLDER, else in none
#
# nginx runs in a temporary folder on a free port and writes every request twice: by its own
# `combined`, and by a JSON log_format. drive.py sends the requests and writes down the truth;
# peek.py counts the logs once more, plainly. Status 0: all counts agree; 1: they do not; 77: there
# is no nginx.
#
#   DUIZHANG=.build/release/duizhang     the command
#   COUNT=no                             leaves it out: only the logs and the truth are looked at
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
duizhang=${DUIZHANG:-$here/../../.build/release/duizhang}
PATH=$PATH:/usr/sbin:/sbin

command -v nginx >/dev/null || { echo "skipped: nginx is not installed"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }

work=$(mktemp -d)
stop() {
    [[ -s $work/nginx.pid ]] || return 0
    kill -QUIT "$(<"$work/nginx.pid")"
    for _ in {1..100}; do
        [[ -e $work/nginx.pid ]] || return 0
        sleep 0.1
    done
    echo "nginx does not stop" >&2
    return 1
}
trap 'stop || true; rm -rf "$work"' EXIT
out=${1:-$work}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# configuration PORT
configuration() {
    [[ $(id -u) != 0 ]] || echo "user root;"
    cat <<NGINX
worker_processes 2;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 64; }
http {
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  keepalive_requests 100000;

  log_format bot escape=json '{"time":"\$time_iso8601","msec":"\$msec",'
    '"remote_addr":"\$remote_addr","host":"\$host","request_method":"\$request_method",'
    '"request_uri":"\$request_uri","server_protocol":"\$server_protocol","status":"\$status",'
    '"request_length":"\$request_length","body_bytes_sent":"\$body_bytes_sent",'
    '"request_time":"\$request_time","http_user_agent":"\$http_user_agent",'
    '"http_origin":"\$http_origin","http_x_licensee":"\$http_x_licensee",'
    '"http_x_user_id":"\$http_x_user_id","http_x_conversation_id":"\$http_x_conversation_id",'
    '"http_x_request_id":"\$http_x_request_id","http_x_scenario":"\$http_x_scenario",'
    '"http_x_app":"\$http_x_app","http_x_items":"\$http_x_items"}';

  server {
    listen 127.0.0.1:$1;
    access_log $out/combined.log;
    access_log $out/json.log bot;

    # What the service behind the gateway would have answered.
    location /v1/ {
      if (\$http_x_answer = "429") { return 429; }
      if (\$http_x_answer = "503") { return 503; }
      default_type application/json;
      return 200 '{"answer":"ok"}\n';
    }
    location = /healthz { return 200 "ok\n"; }
    location / { return 404; }
  }
}
NGINX
}

# counted LOG: the quantities of a log as CSV
counted() {
    "$duizhang" count --quiet "$1"
}

rm -f "$out"/{combined,json}.log "$out/truth.json"
port=$(python3 -c 'import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
configuration "$port" > "$work/nginx.conf"
nginx -q -e "$work/error.log" -p "$work" -c "$work/nginx.conf"
python3 "$here/drive.py" "$port" > "$out/truth.json"
stop

failed=0
for log in combined json; do
    python3 "$here/peek.py" "$out/truth.json" "$log" < "$out/$log.log" || failed=1
done
if [[ ${COUNT:-yes} != no ]]; then
    for log in combined json; do
        status=0
        counted "$out/$log.log" > "$work/$log.csv" || status=$?
        [[ $status == 0 ]] || echo "$log.log: the command ended with status $status" >&2
        python3 "$here/peek.py" "$out/truth.json" csv < "$work/$log.csv" || failed=1
    done
fi
exit "$failed"
