# Two commands matter: `make run` opens a working city, `make test` runs every test.

.PHONY: run test bench release web fmt

CARGO ?= cargo
export CARGO_TERM_COLOR ?= never

run: web
	$(CARGO) run --profile quick -p hufu -- demo

# The front end is built from the lock file alone and embedded into the binary.
web: web/dist/manifest.json

web/dist/manifest.json: web/package-lock.json web/build.mjs $(wildcard web/src/*) $(wildcard web/css/*)
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run build

test: web
	scripts/need initdb=postgresql psql=postgresql-client mariadbd=mariadb-server chromium=chromium \
		/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc=fonts-noto-cjk
	$(CARGO) build --workspace --bins --tests --examples
	$(CARGO) nextest run --workspace --no-fail-fast
	npm --prefix web test

bench: web
	scripts/bench

release: web
	scripts/release

fmt:
	$(CARGO) fmt --all
