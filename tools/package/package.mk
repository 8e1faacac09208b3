# Installation, tarball and packages; included by the Makefile. tools/package/install.sh holds the list of files.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
# LIBDIR=/usr/lib/x86_64-linux-gnu, for a system with folders for each architecture
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
DOCDIR ?= $(DATADIR)/doc/llmcs
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= /etc
# Installed without debug information, unless INSTALL_STRIP=0.
INSTALL_STRIP ?= 1
# The day of this version, so that pages and archives do not depend on when they are made.
RELEASE_DATE := $(shell sed -n 's/^\#\# [0-9.]* (\([0-9-]*\)).*/\1/p' CHANGELOG.md | head -n 1)

INSTALL_ENV = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BINDIR='$(BINDIR)' LIBDIR='$(LIBDIR)' \
	INCLUDEDIR='$(INCLUDEDIR)' DATADIR='$(DATADIR)' MANDIR='$(MANDIR)' DOCDIR='$(DOCDIR)' BASHCOMPDIR='$(BASHCOMPDIR)' \
	ZSHDIR='$(ZSHDIR)' UNITDIR='$(UNITDIR)' SYSCONFDIR='$(SYSCONFDIR)' INSTALL_STRIP='$(INSTALL_STRIP)' \
	STRIP='$(CROSS)strip' VERSION='$(VERSION)' SHOP_VERSION='$(SHOP_VERSION)' SONAME='$(SONAME)' \
	SHOP_SONAME='$(SHOP_SONAME)'
.PHONY: install uninstall man
install: all man
	@$(INSTALL_ENV) tools/package/install.sh install
uninstall:
	@$(INSTALL_ENV) tools/package/install.sh uninstall

# Pages and completions come from what the programs say, so the programs must run here (they do not in a cross build).
DOCUMENTED = $(filter $(PROGRAMS),$(addprefix $(BUILD)/bin/,llmcs llmcs-shop llmcs-bench llmcs-server))
man: $(BUILD)/man/llmcs.1
$(BUILD)/man/llmcs.1: $(DOCUMENTED) CHANGELOG.md $(wildcard tools/package/*.py)
	$(call show,MAN,$(@D))
	$(Q)if [ -n '$(CROSS)' ]; then echo 'note: no manual pages in a cross build'; else \
		python3 tools/package/man.py --version $(VERSION) --date $(RELEASE_DATE) --out $(@D) $(DOCUMENTED) && \
		python3 tools/package/completions.py --bash $(BUILD)/completions/bash --zsh $(BUILD)/completions/zsh $(DOCUMENTED); fi

# ---- tarball: the committed files, the same bytes wherever and whenever it is made

DIST_NAME := llmcs-$(VERSION)
DIST := $(BUILD)/dist/$(DIST_NAME).tar.gz
SOURCE_DATE_EPOCH ?= $(shell date -u -d '$(RELEASE_DATE)' +%s)
.PHONY: dist
dist:
	@SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' tools/package/dist.sh $(DIST_NAME) $(DIST)

# ---- Debian packages, from that tarball, into $(BUILD)/deb
.PHONY: deb
deb: dist
	@tools/package/deb.sh $(VERSION) $(RELEASE_DATE) $(DIST) $(BUILD)/deb

# ---- HTML reference of the headers, into $(BUILD)/docs/html. Fields whose name says all need no comment; functions do.
.PHONY: docs
docs:
	@command -v doxygen >/dev/null || { echo 'make docs: doxygen is missing: make deps-dev' >&2; exit 1; }
	@rm -rf $(BUILD)/docs && mkdir -p $(BUILD)/docs
	@LLMCS_VERSION=$(VERSION) LLMCS_DOCS=$(BUILD)/docs doxygen tools/package/Doxyfile
	@! grep -vE 'warning: (Compound .*|Member .* \((variable|enumeration|typedef|macro definition)\) of .*) is not documented' \
		$(BUILD)/docs/warnings
	@echo $(BUILD)/docs/html/index.html

# ---- releases: the version of include/llmcs.h, CHANGELOG.md, Debian's symbols and the tag agree
.PHONY: release-check deb-symbols
CHECK_ENV = BUILD='$(BUILD)' VERSION='$(VERSION)' SONAME='$(SONAME)' SHOP_SONAME='$(SHOP_SONAME)' NM='$(NM)'
release-check: lib
	@$(CHECK_ENV) tools/package/release-check.sh $(VERSION)
deb-symbols: lib
	@$(CHECK_ENV) tools/package/symbols.sh
