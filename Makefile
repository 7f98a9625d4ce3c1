# Thin on purpose: the work is in scripts/.
.PHONY: run test check fmt

run: ## build and start the demo tower on http://127.0.0.1:3000
	@exec scripts/run.sh

test: ## everything: unit, property, whole-system and browser tests
	@exec scripts/test.sh

check: ## formatting and lints
	@exec scripts/check.sh

fmt: ## format the Rust code
	@cargo fmt --all
