#!/usr/bin/env bash
# Takes simulated days into workspaces in many ways, and holds all reports against each other and against those
# of runs without a workspace; closes a month, brings late logs, and adds up what is booked for it.
#
#   Tests/Workspace/nights.sh [DAYS [SEED]]     by default 30 days
#
# RECORDS=3000     records a day
# LATE=100         logs that come after the month is closed
# KEEP=FOLDER      work there, and leave all that was made
#
# Needs .build/release/duizhang, or the command that DUIZHANG names, and python3; lz4 and zstd where they are.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v python3 > /dev/null; then
  echo "skipped: nights.sh needs python3"
  exit 0
fi
export DUIZHANG=${DUIZHANG:-$PWD/.build/release/duizhang}
exec python3 Tests/Workspace/nights.py --days "${1:-30}" --seed "${2:-1}" --records "${RECORDS:-3000}" \
  --late "${LATE:-100}" ${KEEP:+--keep "$KEEP"}
