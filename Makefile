# make nightly   build the command and run the nightly job over sample-logs/
# make test      lint, build and run all tests
# make help      everything else

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
RECORDS ?= 5000000
ROUNDS ?= 5
SECONDS ?= 60
SEEDS ?= 100
HONEST ?= 1000
TARGETS ?=

BINARY ?= .build/release/duizhang
DOCUMENTS := $(DESTDIR)$(PREFIX)/share/doc/duizhang
# The C libraries' headers; g++ for the C++ library's, which Swift's own clang uses.
PACKAGES := libisal-dev liblz4-dev libsimdjson-dev libsqlite3-dev libxxhash-dev libzstd-dev \
  zlib1g-dev g++ tzdata

# Installs Debian packages, as root itself or by sudo.
apt_install = $(if $(filter 0,$(shell id -u)),,sudo )env DEBIAN_FRONTEND=noninteractive apt-get

.PHONY: help setup build nightly test lint fuzz bench quality bench-setup install clean

help: ## Show what there is to make.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## Install what the build needs beside Swift (nothing where all of it is there).
	@if ! command -v dpkg-query > /dev/null; then
	  echo "No Debian packages here; these must be installed: $(PACKAGES)"
	  exit 0
	fi
	missing=()
	for package in $(PACKAGES); do
	  status=$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2> /dev/null || true)
	  [[ $$status == installed ]] || missing+=("$$package")
	done
	if (( $${#missing[@]} > 0 )); then
	  $(apt_install) update
	  $(apt_install) install --yes --no-install-recommends "$${missing[@]}"
	fi

build: setup ## Build the command: .build/release/duizhang.
	@$(SWIFT) build -c release --static-swift-stdlib --product duizhang

nightly: build ## Build, and run the nightly job over sample-logs/.
	@status=0
	$(BINARY) run pipelines/nightly.yaml || status=$$?
	case $$status in
	  0) ;;
	  1) echo "Status 1: the job is done, and the points above need a person. In sample-logs/ they"
	     echo "are planted: the licensee's statement differs from the count by more than agreed." ;;
	  *) echo "The job failed with status $$status." >&2; exit $$status ;;
	esac
	echo "The reports are in $(CURDIR)/reports"

test: setup lint ## Lint, build everything and run all tests.
	@$(SWIFT) build --build-tests
	$(SWIFT) test

lint: ## Check the style of the Swift sources.
	@$(SWIFT) format lint --strict -r Sources Tests Package.swift

fuzz: setup ## Fuzz what reads logs and files: SECONDS=60 each, TARGETS= (all).
	@SWIFT=$(SWIFT) Tests/Fuzzing/run.sh $(SECONDS) $(TARGETS)

bench: build bench-setup ## Measure beside other programs: RECORDS=5000000 ROUNDS=5.
	@RECORDS=$(RECORDS) ROUNDS=$(ROUNDS) Benchmarks/run.sh

quality: build ## Simulate misuse and honest traffic, and write how good findings are: SEEDS=100 HONEST=1000.
	@python3 Benchmarks/quality.py --duizhang $(BINARY) --seeds $(SEEDS) --honest $(HONEST) --doc docs/detection.md

bench-setup: ## Install what the benchmark compares with.
	@missing=()
	[[ -x /usr/bin/time ]] || missing+=(time)
	command -v igzip > /dev/null || missing+=(isal)
	command -v lz4 > /dev/null || missing+=(lz4)
	python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3 python3-venv)
	if (( $${#missing[@]} > 0 )); then
	  $(apt_install) update
	  $(apt_install) install --yes --no-install-recommends "$${missing[@]}"
	fi

install: ## Install the command that `make build` made: PREFIX=/usr/local DESTDIR=.
	@if [[ ! -x $(BINARY) ]]; then
	  echo "$(BINARY) is not there: run 'make build' first, as yourself" >&2
	  exit 1
	fi
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DOCUMENTS)/docs" "$(DOCUMENTS)/pipelines"
	install -m 755 $(BINARY) "$(DESTDIR)$(PREFIX)/bin/duizhang"
	if command -v strip > /dev/null; then strip "$(DESTDIR)$(PREFIX)/bin/duizhang"; fi
	install -m 644 README.md CHANGELOG.md LICENSE NOTICE "$(DOCUMENTS)"
	install -m 644 docs/*.md "$(DOCUMENTS)/docs"
	install -m 644 pipelines/*.yaml "$(DOCUMENTS)/pipelines"
	for file in duizhang.service duizhang.timer crontab; do
	  sed 's|/usr/local/|$(PREFIX)/|g' "pipelines/$$file" > "$(DOCUMENTS)/pipelines/$$file"
	  chmod 644 "$(DOCUMENTS)/pipelines/$$file"
	done

clean: ## Remove what was built, the reports, the workspace and the benchmark's data.
	@rm -rf .build reports statements dispute workspace bench-data
