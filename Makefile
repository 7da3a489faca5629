# Reading Digits. What each target does stands in make.py, which also runs where make is missing:
# `python make.py book` is `make book`. You need make, git, and a Python that make.py names.

PYTHON ?= python3
TARGETS := help book pdf test lint lab labs slides nbgrader grade key quizzes test-nbgrader kit test-kit run models checks bench test-colab repo lock clean

.PHONY: $(TARGETS)
.NOTPARALLEL:

$(TARGETS):
	@$(PYTHON) make.py $@
