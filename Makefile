# Thin on purpose: the work is in scripts/.
.PHONY: run test conformance bench fuzz chaos check fmt

run: ## build and start the demo on http://127.0.0.1:3000
	@exec scripts/run.sh

test: ## everything: unit, property, whole-system and browser tests
	@exec scripts/test.sh

conformance: ## compare with independent readings, scenarios, signature vectors; writes target/conformance.json
	@exec scripts/conformance.sh

bench: ## measure against the bare engines; writes target/bench.json and docs/BENCHMARKS.md (BENCH="--only ingest" hands arguments on)
	@exec scripts/bench.sh

fuzz: ## long runs of every decoder and verifier on invented input (FUZZ_SECONDS for each, default 60)
	@exec scripts/fuzz.sh

chaos: ## kills, faults, stopped databases, jumping clocks: nothing is lost, nothing doubled (CHAOS="--rounds 20" hands arguments on)
	@exec scripts/chaos.sh

check: ## formatting and lints
	@exec scripts/check.sh

fmt: ## format the Rust code
	@cargo fmt --all
