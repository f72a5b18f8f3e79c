#!/usr/bin/env bash
# Simulates months with planted discrepancies, reconciles both sides' usage details, and holds what is found against
# what was planted: of each cause how much is found and how much of what is found was planted; and every bridge must
# add up to the unit and the fen.
#
#   Tests/Reconciliation/months.sh [MONTHS [SEED]]     by default 20 months
#
# ONLY=17          this month alone
# KEEP=FOLDER      work there, and leave all that was made
#
# Needs .build/release/duizhang, or the command that DUIZHANG names, and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v python3 > /dev/null; then
  echo "skipped: months.sh needs python3"
  exit 0
fi
export DUIZHANG=${DUIZHANG:-$PWD/.build/release/duizhang}
exec python3 Tests/Reconciliation/months.py --months "${1:-20}" --seed "${2:-1}" ${ONLY:+--only "$ONLY"} \
  ${KEEP:+--keep "$KEEP"}
