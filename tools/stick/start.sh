#!/bin/sh
# Linux and macOS: `sh start.sh install` installs, `sh start.sh` opens the notebooks.
cd "$(dirname "$0")" || exit 1
for python in python@PYTHON@ python3 python; do
  if command -v "$python" > /dev/null; then
    exec "$python" start.py "$@"
  fi
done
echo "Python is missing: install Python @PYTHON@ (python.org), then start again." >&2
exit 1
