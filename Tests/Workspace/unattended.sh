#!/usr/bin/env bash
# The nightly job as cron runs it when nobody watches: the very command of pipelines/crontab with cron's
# environment, as a user who owns nothing else, without HOME, night after night. And what systemd-analyze says of
# the units, where it is there.
#
#   Tests/Workspace/unattended.sh
#
# Needs root, or sudo without a password, and .build/release/duizhang or the command that DUIZHANG names.
set -euo pipefail
cd "$(dirname "$0")/../.."

export DUIZHANG=${DUIZHANG:-$PWD/.build/release/duizhang}
if (( $(id -u) != 0 )); then
  if sudo -n true 2> /dev/null; then exec sudo -n --preserve-env=DUIZHANG "$0" "$@"; fi
  echo "skipped: unattended.sh needs root, or sudo without a password"
  exit 0
fi
for program in setpriv install; do
  if ! command -v "$program" > /dev/null; then
    echo "skipped: unattended.sh needs $program"
    exit 0
  fi
done

fail() {
  echo "unattended: $*" >&2
  exit 1
}

# A user and group that nothing on this machine belongs to, so that all that is theirs is what the job wrote.
id=61234
while getent passwd "$id" > /dev/null || getent group "$id" > /dev/null; do id=$(( id + 1 )); done
# Not below a folder that other users may not enter.
scratch=$(mktemp -d /tmp/unattended-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
etc=$scratch/etc/duizhang
state=$scratch/var/lib/duizhang

umask 022
make --silent install BINARY="$DUIZHANG" PREFIX="$scratch/usr" > "$scratch/install" 2>&1 ||
  { cat "$scratch/install" >&2; fail "make install failed"; }
examples=$scratch/usr/share/doc/duizhang/pipelines
install -d "$scratch/var/log/gateway" "$scratch/var/prometheus"
install -d -o "$id" -g "$id" -m 700 "$state"
install -d -o root -g "$id" -m 750 "$etc"
install -d -m 1777 "$scratch/var/tmp"
chown "$id:$id" "$scratch/var/prometheus"
head -c 32 /dev/urandom > "$etc/privacy.key"
sed 's/^privacy: .*/privacy: {user: hmac}/' sample-logs/contract.yaml > "$etc/contract.yaml"
cat > "$etc/nightly.yaml" << YAML
pipeline: nightly
logs: ["$scratch/var/log/gateway/*"]
contracts: [contract.yaml]
workspace: $state/workspace
out: $state/reports
quarantined_share: "1%"
privacy_key: privacy.key
metrics: $scratch/var/prometheus/duizhang.prom
YAML
sed '/^privacy_key/d; s/^pipeline: .*/pipeline: keyless/; s|/workspace|/other|; /^metrics/d' \
  "$etc/nightly.yaml" > "$etc/keyless.yaml"
chgrp "$id" "$etc"/*
chmod 640 "$etc"/*

# The crontab's variables and command, with this test's folders in the place of the system's.
sed "s|/etc/duizhang|$etc|g; s|/var/tmp|$scratch/var/tmp|g" "$examples/crontab" > "$scratch/crontab"
mapfile -t variables < <(grep -E '^[A-Z]+=' "$scratch/crontab")
entry=$(grep -E '^[0-9]' "$scratch/crontab")
[[ $entry == "10 2 * * *  duizhang  "* ]] || fail "the crontab is not what this test knows"
command=${entry#*duizhang  }
[[ $command != *%* ]] || fail "cron takes a percent sign for a line end"

# [VARIABLE=VALUE]… -- COMMAND: as cron's child. Standard output and error go to $scratch/said.
as_cron() {
  local given=()
  while [[ $1 != -- ]]; do given+=("$1"); shift; done
  shift
  (
    cd /
    exec setpriv --reuid="$id" --regid="$id" --clear-groups --inh-caps=-all --no-new-privs \
      env -i SHELL=/bin/sh LOGNAME=duizhang "${variables[@]}" "${given[@]}" /bin/sh -c "$1" \
      < /dev/null > "$scratch/said" 2>&1
  )
}

night() { # [VARIABLE=VALUE]…: a night to its end, of which nothing is said
  local status=0
  as_cron "$@" -- "$command" || status=$?
  if (( status > 0 )) || [[ -s $scratch/said ]]; then
    cat "$scratch/said" >&2
    fail "a night ended with status $status"
  fi
}

metric() { sed -n "s/^$1{pipeline=\"nightly\"} //p" "$scratch/var/prometheus/duizhang.prom"; }

cp sample-logs/gateway-0[12]-2025-11-{29,30}.* "$scratch/var/log/gateway"

# What doctor says to that user, to whom in turn the state and metrics are shut.
examine() { as_cron -- "exec duizhang doctor --quiet '$etc/nightly.yaml'"; }

examine || { cat "$scratch/said" >&2; fail "doctor finds mistakes where there are none"; }
for folder in "$state" "$scratch/var/prometheus"; do
  chown root "$folder"
  status=0
  examine || status=$?
  (( status == 1 )) && grep -q '^error: .*this user' "$scratch/said" ||
    { cat "$scratch/said" >&2; fail "doctor does not see that $folder cannot be written to"; }
  chown "$id" "$folder"
done
chmod o+r "$etc/privacy.key"
status=0
examine || status=$?
(( status == 1 )) && grep -q '^error: privacy key: .*every user' "$scratch/said" ||
  { cat "$scratch/said" >&2; fail "doctor does not see that every user may read the key"; }
chmod o-r "$etc/privacy.key"

# Three nights: without HOME, with one that is not there, and again, when there is nothing new.
night
[[ $(metric duizhang_logs_taken_in) == 4 ]] || fail "the first night took in another number of logs"
cp sample-logs/gateway-0[12]-2025-12-01.* "$scratch/var/log/gateway"
night HOME=/nonexistent
[[ $(metric duizhang_logs_taken_in) == 2 ]] || fail "the second night took in another number of logs"
cp -a "$state/reports" "$scratch/before"
night
[[ $(metric duizhang_logs_taken_in) == 0 && $(metric duizhang_days_counted) == 0 ]] ||
  fail "a night without new logs took some in"
diff -r "$scratch/before" "$state/reports" > /dev/null || fail "without new logs the reports changed"
rm -rf "$scratch/before"
for month in 2025-11 2025-12; do
  for report in count.csv findings.csv reconciliation.csv reconciliation-daily.csv quarantine.csv \
    adjustments.csv run-summary.json manifest.json; do
    [[ -s $state/reports/$month/$report ]] || fail "there is no $report of $month"
  done
  compgen -G "$state/reports/$month/usage-detail-$month-*.csv" > /dev/null ||
    fail "there is no usage detail of $month"
done
"$DUIZHANG" verify "$state/reports" > "$scratch/said" || { cat "$scratch/said" >&2; fail "reports are not whole"; }

# A night as the service runs it: its command, folder, variables and umask, with what systemd gives beside these.
# What else the unit restricts is for systemd to do; what it needs is listed in the unit.
sed "s|/etc/duizhang|$etc|g; s|/var/lib/duizhang|$state|g; s|/var/tmp|$scratch/var/tmp|g" \
  "$examples/duizhang.service" > "$scratch/service"
unit() { sed -n "s/^$1=//p" "$scratch/service"; }
cp sample-logs/gateway-0[12]-2025-12-02.* "$scratch/var/log/gateway"
status=0
(
  cd "$(unit WorkingDirectory)"
  umask "$(unit UMask)"
  read -ra start < <(unit ExecStart)
  exec setpriv --reuid="$id" --regid="$id" --clear-groups --inh-caps=-all --no-new-privs \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 USER=duizhang LOGNAME=duizhang \
    HOME="$state" SHELL=/usr/sbin/nologin STATE_DIRECTORY="$state" "$(unit Environment)" "${start[@]}" \
    < /dev/null > "$scratch/said" 2>&1
) || status=$?
(( status == 0 || status == $(unit SuccessExitStatus) )) ||
  { cat "$scratch/said" >&2; fail "the service's command ended with status $status"; }
[[ $(metric duizhang_logs_taken_in) == 2 ]] || fail "the service's night took in another number of logs"

# What it wrote is its user's alone, but for the metrics.
found=$(find "$state" \( -type f ! -perm 600 -o -type d ! -perm 700 -o ! -type f ! -type d \) -printf '%M %p\n')
[[ -z $found ]] || fail "others may read: $found"
[[ $(stat -c %a "$scratch/var/prometheus/duizhang.prom") == 644 ]] || fail "others may not read the metrics"
found=$(find / -xdev \( -path /proc -o -path /sys \) -prune -o -uid "$id" -print 2> /dev/null |
  grep -vE "^($state|$scratch/var/prometheus)(/|$)" || true)
[[ -z $found ]] || fail "it wrote elsewhere: $found"

# Without a key of its own, a contract with pseudonyms needs a place for one.
status=0
as_cron -- "${command/nightly.yaml/keyless.yaml}" || status=$?
(( status == 2 )) && grep -q 'no place for the privacy key.*privacy_key' "$scratch/said" ||
  { cat "$scratch/said" >&2; fail "without HOME and key: status $status"; }
status=0
as_cron HOME=/nonexistent -- "${command/nightly.yaml/keyless.yaml}" || status=$?
(( status == 2 )) && grep -q 'privacy key was not created.*privacy_key' "$scratch/said" ||
  { cat "$scratch/said" >&2; fail "with a HOME that is not there and no key: status $status"; }
[[ ! -e $state/other ]] || fail "a run that cannot begin has made a workspace"

echo "four nights without anyone, by cron and as the service: done, private, and nothing written elsewhere"

if command -v systemd-analyze > /dev/null; then
  cp "$examples"/duizhang.{service,timer} "$scratch"
  systemd-analyze verify "$scratch/duizhang.service" "$scratch/duizhang.timer" > "$scratch/said" 2>&1 ||
    { cat "$scratch/said" >&2; fail "systemd-analyze verify finds mistakes in the units"; }
  if grep -q duizhang "$scratch/said"; then
    cat "$scratch/said" >&2
    fail "systemd-analyze verify warns of the units"
  fi
  systemd-analyze calendar --iterations=1 "$(sed -n 's/^OnCalendar=//p' "$scratch/duizhang.timer")" > /dev/null
  echo "the units: $(systemd-analyze security --offline=yes "$scratch/duizhang.service" 2> /dev/null |
    grep -o 'exposure level.*' || echo 'verified')"
else
  echo "skipped: systemd-analyze is not there (package systemd), and the units are not verified"
fi
