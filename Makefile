# Reading Digits. Every target first makes .venv from the lock (requirements.txt), if it is missing
# or out of date. You need make, git, and one of the Pythons below.

# The versions for which every package of the lock comes built, from the oldest to the newest.
PYTHONS := 3.11 3.12 3.13 3.14
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# A commit gives the same bytes on every machine.
export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
export PYTHONHASHSEED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, nothing that Python compiles is kept, and importing torch takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
# Notebooks run in chapters/, where a relative path would point to another place.
ifdef LESSONLIB_MNIST_ROOT
export LESSONLIB_MNIST_ROOT := $(abspath $(LESSONLIB_MNIST_ROOT))
endif
ifdef LESSONLIB_HANDWRITING_ROOT
export LESSONLIB_HANDWRITING_ROOT := $(abspath $(LESSONLIB_HANDWRITING_ROOT))
endif

.PHONY: help book pdf test lint lab labs run models checks bench lock clean
.DELETE_ON_ERROR:

help:
	@echo "make book    build the HTML book"
	@echo "make pdf     build the HTML book with a PDF of the whole in it (needs Chromium)"
	@echo "make test    every check: lint, types, unit tests, notebooks, the built book"
	@echo "make lab     open the chapters in JupyterLab"
	@echo "make labs    write the student notebooks, without solutions, and a zip of them"
	@echo "make run     run all notebooks and store their outputs (needs MNIST)"
	@echo "make models  train the shipped weights again (needs MNIST; about two hours)"
	@echo "make checks  draw the sample checks of data/checks again"
	@echo "make bench   measure training and reading, and write the book's tables (needs MNIST; for"
	@echo "             reading alone: .venv/bin/python -m tools.bench reading)"
	@echo "make lock    resolve requirements.txt again from pyproject.toml"
	@echo "make clean   remove everything that is built, except .venv"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) tools/check_python.py $(PYTHONS)
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "This Python cannot make virtual environments: on Debian and Ubuntu, install python3-venv."; exit 1; }
	@echo "Setting up .venv (several GB, once) ..."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet "$$(grep -o '^uv==[0-9.]*' requirements.txt)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

book: $(READY)
	@rm -rf _build/html _build/.doctrees  # else Sphinx keeps an old stylesheet
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo "The book is at $(CURDIR)/_build/html/index.html"

pdf: book
	$(BIN)/python -m tools.pdf

# Two files at a time, the longest first: tests/conftest.py has their order.
test: lint
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=300 \
	  -n 2 --dist loadfile --no-loadscope-reorder tests chapters

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v npx > /dev/null; then npx --yes --package typescript@5.9.3 tsc -p src/lessonlib/widgets/static; \
	  else echo "The JavaScript is not type-checked: npx, of Node.js, is missing."; fi

lab: $(READY)
	$(BIN)/jupyter lab chapters

labs: $(READY)
	$(BIN)/python -m tools.labs

run: $(READY)
	$(BIN)/python -m tools.notebooks

# Without this, glibc gives the memory of each step of a training back, and asks for it in the next
# one again: a sixth of the time.
models: export MALLOC_MMAP_THRESHOLD_ := 4000000000
models: export MALLOC_TRIM_THRESHOLD_ := 4000000000
models: $(READY)
	$(BIN)/python -m tools.train_weights
	$(BIN)/python -m tools.train_readers
	$(BIN)/python -m tools.train_lines
	$(BIN)/python -m tools.train_next_steps
	$(BIN)/python -m tools.desk
	$(BIN)/python -m tools.film
	$(BIN)/python -m tools.datasheet

checks: $(READY)
	$(BIN)/python -m lessonlib.synthesis data/checks
	$(BIN)/python -m tools.datasheet

bench: $(READY)
	$(BIN)/python -m tools.bench

# torch and torchvision are pinned as a pair, because each torchvision needs one version of torch. It
# isn't torch 2.13.0, because some systems offer that as a CPU build that fits no torchvision.
# At the end, the recipe checks for each of PYTHONS that all packages come built for it.
lock: $(READY)
	printf 'torch==2.12.1\ntorchvision==0.27.1\n' | $(BIN)/uv pip compile pyproject.toml --group book --group test \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --constraint - \
	  --custom-compile-command "make lock" --quiet --output-file requirements.txt
	@for version in $(PYTHONS); do \
	  $(BIN)/uv pip sync --quiet --dry-run --target "$$(mktemp -d)" --python-version $$version \
	    --only-binary :all: --require-hashes requirements.txt \
	    || { echo "Python $$version lacks packages: take it out of PYTHONS in the Makefile."; exit 1; }; \
	done

clean:
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
