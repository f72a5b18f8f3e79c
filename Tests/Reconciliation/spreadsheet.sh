#!/usr/bin/env bash
# Opens the reports of a reconciliation in LibreOffice, with Chinese headers and a byte order mark and without, and
# looks at the cells that it makes of them: as many rows as were written, Chinese text as it is, quantities and amounts
# as numbers, and no formula whatever modules and users are called.
#
#   Tests/Reconciliation/spreadsheet.sh
#
# KEEP=FOLDER      work there, and leave all that was made
#
# Needs .build/release/duizhang, or the command that DUIZHANG names, soffice (LibreOffice Calc) and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in soffice python3; do
  if ! command -v "$tool" > /dev/null; then
    echo "skipped: spreadsheet.sh needs $tool"
    exit 0
  fi
done
export DUIZHANG=${DUIZHANG:-$PWD/.build/release/duizhang}
if [[ -n ${KEEP:-} ]]; then
  scratch=$KEEP
  mkdir -p "$scratch"
else
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
fi
python3 Tests/Reconciliation/spreadsheet.py "$scratch"
