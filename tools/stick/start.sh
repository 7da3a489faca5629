#!/bin/sh
# Linux and macOS: `sh start.sh install` installs, `sh start.sh` opens the notebooks.
for python in python@PYTHON@ python3 python; do
  # A name can lead nowhere, as pyenv's do, or to a Python that can't read start.py.
  if "$python" -c "import sys; sys.exit(sys.version_info < (3, 6))" 2> /dev/null; then
    exec "$python" "$(dirname "$0")/start.py" "$@"
  fi
done
echo "Python is missing: install Python @PYTHON@ (python.org), then start again." >&2
exit 1
