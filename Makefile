# Thin shells around `python3 -m launch <verb>`; `make help` says what there is.
PYTHON ?= python3
LAUNCH = @$(PYTHON) -m launch

.PHONY: help run test check bench bench-full lock screenshots manage
.DEFAULT_GOAL := help

help:
	$(LAUNCH) help
run:
	$(LAUNCH) run $(ARGS)
test:
	$(LAUNCH) test $(ARGS)
check:
	$(LAUNCH) check $(ARGS)
bench:
	$(LAUNCH) bench $(NAME)
bench-full:
	$(LAUNCH) bench-full $(NAME)
lock:
	$(LAUNCH) lock $(if $(UPGRADE),--upgrade)
screenshots:
	$(LAUNCH) screenshots $(ARGS)
manage:
	$(LAUNCH) manage $(ARGS)
