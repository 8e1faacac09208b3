# libllmcs. `make help` lists the targets; everything is built into $(BUILD).
#
#   1  what to build with    2  library    3  programs    4  tests    5  other builds of the same (sanitizers, ARM)
#   6  code checks    7  installation and packages

.DEFAULT_GOAL := all
BUILD ?= build
# One place for the version: the header. The soname changes when a program has to be compiled again.
VERSION := $(shell sed -n 's/^\#define LLMCS_VERSION_[A-Z]* //p' include/llmcs.h | paste -sd.)
SONAME := libllmcs.so.1

# Packages first: the rest of the command line is a second make, which then finds the compiler and pkg-config.
ifneq ($(filter deps deps-dev,$(MAKECMDGOALS)),)
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
deps:
	@tools/build/deps.sh build
deps-dev:
	@tools/build/deps.sh build dev
$(filter-out deps deps-dev,$(MAKECMDGOALS)):
	@+$(MAKE) --no-print-directory -j$$(nproc) $@
else

# ---------------------------------------------------------------- 1  what to build with

ifeq ($(origin CC),default)
CC := gcc
endif
CROSS ?=
AR := $(CROSS)ar
OBJCOPY := $(CROSS)objcopy
NM := $(CROSS)nm
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null || uname -m)))

OPT ?= -O3 -g
SANITIZE ?=
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
ifeq ($(WERROR),1)
WARN += -Werror
endif
ifeq ($(SANITIZE),)
HARDEN ?= -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
# Stack use is bounded: the library runs on a host's 64 KB thread. (Sanitizers widen frames.)
FRAME := -Wframe-larger-than=4096
NO_UNDEFINED := -Wl,--no-undefined
endif

# The folder it is built in leaves no trace, so that the same source gives the same bytes everywhere.
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.
BASE := -std=c11 -D_GNU_SOURCE -Iinclude $(WARN) $(OPT) $(HARDEN) $(REPRODUCIBLE) $(SANITIZE) $(CFLAGS) $(CPPFLAGS)
# No contraction: a product and a sum give the same bits with every compiler; FMA is used where a kernel says so.
# With exceptions: a C++ exception, or pthread_exit, that leaves a callback releases what its call holds (base/call.h).
LIB_FLAGS = $(BASE) $(FRAME) -DLLMCS_BUILD -Ilib -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno \
	-ffunction-sections -fdata-sections -fexceptions $(EXTRA)
PROGRAM_FLAGS = $(BASE)
BENCH_FLAGS = $(BASE) -Ilib
TEST_FLAGS = $(BASE) -Ilib -Itests -Wno-missing-prototypes -ffp-contract=off
LIBS := -lutf8proc -lm -ldl -lpthread
LINK = $(CC) $(SANITIZE) $(LDFLAGS)
# Programs find the libraries beside them, also where the tree was moved. RPATH=0: the loader's folders alone (Debian).
RPATH ?= 1
rpath = $(if $(filter 1,$(RPATH)),-Wl$(comma)-rpath$(comma)'$(1)')
comma := ,

# `make V=1` shows whole commands.
ifeq ($(V),1)
show =
Q :=
else
show = @printf '  %-4s %s\n' '$(1)' '$(2)'
Q := @
endif

# Objects are made again when the compiler or its flags change (make CC=clang after make CC=gcc).
FLAGS_FILE := $(BUILD)/flags
FLAGS_TEXT = $(CC) $(BASE) $(LDFLAGS)$(if $(filter-out 1,$(RPATH)), RPATH=$(RPATH))
$(FLAGS_FILE): FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@
FORCE:

# $(call compile,FLAGS): one C file to one object, and the headers it used to a .d file
define compile
$(call show,CC,$<)
@mkdir -p $(@D)
$(Q)$(CC) $(1) -MMD -MP -MT $@ -c $< -o $@
endef

.PHONY: all lib FORCE
all: lib programs

# ---------------------------------------------------------------- 2  library

# All of lib/ but the shop layer, kernels for another family of processors, and the OpenBLAS plug-in.
LIB_SRC := $(filter-out lib/shop/% lib/kernels/x86/% lib/kernels/arm/% lib/kernels/openblas/plugin/%,$(shell find lib -name '*.c' | sort))
ifeq ($(ARCH),x86_64)
LIB_SRC += $(sort $(wildcard lib/kernels/x86/*.c))
endif
ifeq ($(ARCH),aarch64)
LIB_SRC += $(sort $(wildcard lib/kernels/arm/*.c))
endif
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)

$(BUILD)/obj/lib/base/status.o: EXTRA := -fno-strict-aliasing -fwrapv # stb_sprintf: see there
# Each ISA file has its own flags; the rest of the library runs on any processor of the family.
# Of the sanitizers they have the address one only: in loops unrolled a hundredfold the checks of the others take minutes
# to compile and find nothing, since vectors wrap by definition.
ISA_SANITIZE := $(if $(findstring undefined,$(SANITIZE)),-fno-sanitize=undefined)
# Rows that share all but their products of bytes with another one (avx2, avx512vnni) are left to that.
ISA_UNCHECKED := $(if $(SANITIZE),-fno-sanitize=all)
$(BUILD)/obj/lib/kernels/x86/avx2.o: EXTRA := -mavx2 -mfma -mf16c $(ISA_SANITIZE)
$(BUILD)/obj/lib/kernels/x86/avxvnni.o: EXTRA := -mavx2 -mfma -mf16c -mavxvnni $(ISA_UNCHECKED)
AVX512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c
$(BUILD)/obj/lib/kernels/x86/avx512.o: EXTRA := $(AVX512) $(ISA_UNCHECKED)
$(BUILD)/obj/lib/kernels/x86/avx512vnni.o: EXTRA := $(AVX512) -mavx512vnni $(ISA_SANITIZE)
$(BUILD)/obj/lib/kernels/x86/amx.o: EXTRA := $(AVX512) -mavx512vnni -mamx-tile -mamx-int8 $(ISA_SANITIZE)
ifeq ($(ARCH),x86_64)
$(BUILD)/obj/tests/support/emulated_amx.o: EXTRA := $(AVX512) -mavx512vnni $(ISA_SANITIZE)
endif
$(BUILD)/obj/lib/kernels/arm/dotprod.o: EXTRA := -march=armv8.2-a+dotprod $(ISA_SANITIZE)
$(BUILD)/obj/lib/kernels/arm/i8mm.o: EXTRA := -march=armv8.2-a+i8mm $(ISA_SANITIZE)

SO := $(BUILD)/lib/$(SONAME)
ARCHIVE := $(BUILD)/lib/libllmcs.a
INTERNAL := $(BUILD)/obj/internal.a
lib: $(SO) $(ARCHIVE) openblas

$(BUILD)/obj/lib/%.o: lib/%.c $(FLAGS_FILE)
	$(call compile,$(LIB_FLAGS))

# nodelete: a host may dlclose the library while models are open; their threads go on, and so must their code.
SO_LINK := -shared -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack,-z,nodelete $(NO_UNDEFINED)
$(SO): $(LIB_OBJ) lib/llmcs.map
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(SO_LINK) -Wl,-soname,$(SONAME) -Wl,--version-script=lib/llmcs.map $(LIB_OBJ) $(LIBS) -o $@
	@ln -sf $(SONAME) $(BUILD)/lib/libllmcs.so

# One object whose internal names are local: a host that links the archive sees llmcs_* only, too.
$(ARCHIVE): $(LIB_OBJ)
	$(call show,AR,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -r $(LIB_OBJ) -o $(BUILD)/obj/libllmcs.o
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/obj/libllmcs.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/libllmcs.o

# Tests and the benchmark look inside: the same objects with their internal names.
$(INTERNAL): $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcsT $@ $(LIB_OBJ)

# The shop layer: a library of its own on top of the public headers.
SHOP_SONAME := libllmcs_shop.so.0
SHOP_VERSION := $(shell sed -n 's/^\#define LLMCS_SHOP_VERSION_[A-Z]* //p' include/llmcs_shop.h | paste -sd.)
SHOP_SRC := $(filter-out lib/shop/postgres/%,$(shell find lib/shop -name '*.c' | sort))
SHOP_OBJ := $(SHOP_SRC:%.c=$(BUILD)/obj/%.o)
SHOP_SO := $(BUILD)/lib/$(SHOP_SONAME)
SHOP_ARCHIVE := $(BUILD)/lib/libllmcs_shop.a
SHOP_LIBS := -lsqlite3 -lsodium -lutf8proc -lstemmer -lpcre2-8 -lm -lpthread
$(SHOP_OBJ): EXTRA := -DLLMCS_SHOP_BUILD
# WITHOUT_SHOP=1: the core alone, where the shop layer's packages are missing (the AArch64 cross build).
WITHOUT_SHOP ?=
ifeq ($(WITHOUT_SHOP),)
lib: $(SHOP_SO) $(SHOP_ARCHIVE) postgres
endif
$(SHOP_SO): $(SHOP_OBJ) lib/shop/llmcs_shop.map $(SO)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(SO_LINK) -Wl,-soname,$(SHOP_SONAME) -Wl,--version-script=lib/shop/llmcs_shop.map $(SHOP_OBJ) \
		-L$(BUILD)/lib -lllmcs $(SHOP_LIBS) $(call rpath,$$ORIGIN) -o $@
	@ln -sf $(SHOP_SONAME) $(BUILD)/lib/libllmcs_shop.so
$(SHOP_ARCHIVE): $(SHOP_OBJ)
	$(call show,AR,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -r $(SHOP_OBJ) -o $(BUILD)/obj/libllmcs_shop.o
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/obj/libllmcs_shop.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/libllmcs_shop.o

# The plug-in that lib/shop opens for a store that names a server of PostgreSQL.
.PHONY: postgres
POSTGRES_SRC := $(sort $(wildcard lib/shop/postgres/*.c))
POSTGRES_OBJ := $(POSTGRES_SRC:%.c=$(BUILD)/obj/%.o)
POSTGRES ?= $(shell pkg-config --exists libpq && echo yes)
$(POSTGRES_OBJ): EXTRA := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libpq 2>/dev/null))
ifeq ($(POSTGRES),yes)
postgres: $(BUILD)/lib/libllmcs_shop_postgres.so
$(BUILD)/lib/libllmcs_shop_postgres.so: $(POSTGRES_OBJ)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(SO_LINK) -Wl,-soname,$(@F) $^ $(shell pkg-config --libs libpq) -o $@
else
postgres:
	@echo 'note: no libpq (package libpq-dev): $(BUILD)/lib/libllmcs_shop_postgres.so is not built'
endif

# The plug-in that lib/kernels opens when OpenBLAS is asked for. Serial and linked in whole with hidden names: a
# host's own OpenBLAS and its number of threads are not touched.
.PHONY: openblas
OPENBLAS_SRC := $(sort $(wildcard lib/kernels/openblas/plugin/*.c))
OPENBLAS_OBJ := $(OPENBLAS_SRC:%.c=$(BUILD)/obj/%.o)
OPENBLAS_A ?= $(wildcard /usr/lib/$(ARCH)-linux-gnu/openblas-serial/libopenblas.a)
OPENBLAS_INC := $(patsubst %,-isystem %,$(wildcard /usr/include/$(ARCH)-linux-gnu/openblas-serial))
$(OPENBLAS_OBJ): EXTRA := $(OPENBLAS_INC)
ifneq ($(OPENBLAS_SRC),)
ifneq ($(OPENBLAS_A),)
openblas: $(BUILD)/lib/libllmcs_openblas.so
$(BUILD)/lib/libllmcs_openblas.so: $(OPENBLAS_OBJ) $(OPENBLAS_A)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(SO_LINK) -Wl,-soname,$(@F) -Wl,--exclude-libs,ALL -Wl,-Bsymbolic \
		-Wl,--wrap=blas_memory_alloc -Wl,--wrap=blas_memory_free $^ -lm -lpthread -o $@
else
openblas:
	@echo 'note: no OpenBLAS for $(ARCH) (package libopenblas-serial-dev): $(BUILD)/lib/libllmcs_openblas.so is not built'
endif
else
openblas:
endif

# ---------------------------------------------------------------- 3  programs

EXAMPLES := $(patsubst examples/%.c,$(BUILD)/bin/%,$(sort $(wildcard examples/*.c)))
# Those in C++ where there is a compiler for it; only for the plain build, whose libraries any program can be linked with.
CXX_EXAMPLES := $(if $(CROSS)$(SANITIZE)$(WITHOUT_SHOP),,$(if $(shell command -v $(firstword $(CXX)) 2>/dev/null),$(patsubst \
	examples/%.cpp,$(BUILD)/bin/%,$(sort $(wildcard examples/*.cpp)))))
# The commands: one file a subcommand, over what they share.
CLI_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/cli/*.c)))
TOOL_OBJ := $(CLI_OBJ) $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/llmcs/*.c)))
SHOP_TOOL_OBJ := $(CLI_OBJ) $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/shop/*.c)))
# llmcs-server: with what it shares with llmcs (prompt templates), and the files of its page as bytes.
SERVER_OBJ := $(filter-out %/editor.o,$(CLI_OBJ)) \
	$(patsubst %,$(BUILD)/obj/tools/llmcs/%.o,chat_messages conversation label_set prompt_template) \
	$(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/shop/call_*.c)) tools/shop/fields.c) \
	$(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/server/*.c))) $(BUILD)/obj/tools/server/page_files.o
PAGE_FILES := $(sort $(wildcard tools/server/page/*))
BENCH_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard bench/*.c)))
PROGRAMS := $(EXAMPLES) $(CXX_EXAMPLES) $(BUILD)/bin/llmcs $(if $(wildcard tools/shop/cmd_*.c),$(BUILD)/bin/llmcs-shop) $(BUILD)/bin/llmcs-server $(BUILD)/bin/llmcs-bench

.PHONY: programs demo bench
programs: $(PROGRAMS)

$(BUILD)/obj/examples/%.o: examples/%.c $(FLAGS_FILE)
	$(call compile,$(PROGRAM_FLAGS))
$(BUILD)/obj/tools/%.o: tools/%.c $(FLAGS_FILE)
	$(call compile,$(PROGRAM_FLAGS) -Itools/cli $(EXTRA))
# -Ilib: the store's rule for names, a header that needs no other one.
$(SERVER_OBJ): EXTRA := -Itools/llmcs -Itools/server -Itools/shop -Ilib
$(BUILD)/obj/tools/server/page_files.c: tools/build/embed.sh $(PAGE_FILES) $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(Q)tools/build/embed.sh $(PAGE_FILES) > $@
$(BUILD)/obj/tools/server/page_files.o: $(BUILD)/obj/tools/server/page_files.c
	$(call compile,$(PROGRAM_FLAGS) -Itools/server)
$(BUILD)/obj/bench/%.o: bench/%.c $(FLAGS_FILE)
	$(call compile,$(BENCH_FLAGS))

# What the command needs besides the library is asked for before its first file is compiled.
.PHONY: tool-packages
tool-packages:
	@pkg-config --exists jansson libedit libmicrohttpd || { echo 'make: the commands need jansson, libedit and' \
		'libmicrohttpd (libjansson-dev, libedit-dev, libmicrohttpd-dev): make deps'; exit 1; }
$(TOOL_OBJ) $(SHOP_TOOL_OBJ) $(SERVER_OBJ): | tool-packages

EDIT_LIBS ?= -ledit
# Linked as a user's program would be, but found beside the library in $(BUILD).
define link_program
$(call show,LD,$@)
@mkdir -p $(@D)
$(Q)$(LINK) $(1) -o $@ -L$(BUILD)/lib -lllmcs $(2) -lm $(call rpath,$$ORIGIN/../lib)
endef
$(EXAMPLES): $(BUILD)/bin/%: $(BUILD)/obj/examples/%.o | $(SO) $(SHOP_SO)
	$(call link_program,$<,$(if $(shell grep -l llmcs_shop $(@F:%=examples/%.c)),-lllmcs_shop))
$(CXX_EXAMPLES): $(BUILD)/bin/%: examples/%.cpp $(wildcard include/*.h include/*.hpp) | $(SO) $(SHOP_SO)
	$(call show,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -Iinclude $(filter-out -Wstrict-prototypes -Wmissing-prototypes,$(WARN)) -O1 -g $(CXXFLAGS) \
		$(CPPFLAGS) $< $(LDFLAGS) -o $@ -L$(BUILD)/lib -lllmcs_shop -lllmcs -lpthread $(call rpath,$$ORIGIN/../lib)
$(BUILD)/bin/llmcs: $(TOOL_OBJ) | $(SO)
	$(call link_program,$(TOOL_OBJ),-ljansson $(EDIT_LIBS))
$(BUILD)/bin/llmcs-shop: $(SHOP_TOOL_OBJ) | $(SO) $(SHOP_SO)
	$(call link_program,$(SHOP_TOOL_OBJ),-lllmcs_shop -ljansson $(EDIT_LIBS))
$(BUILD)/bin/llmcs-server: $(SERVER_OBJ) | $(SO) $(SHOP_SO)
	$(call link_program,$(SERVER_OBJ),-lllmcs_shop -lutf8proc -lmicrohttpd -ljansson -lsodium -lpthread)
$(BUILD)/bin/llmcs-bench: $(BENCH_OBJ) $(INTERNAL)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $^ -o $@ $(LIBS) $(call rpath,$$ORIGIN/../lib)

demo: all
	@BUILD=$(BUILD) examples/demo.sh

bench: all $(BUILD)/bin/llmcs-bench
	$(BUILD)/bin/llmcs-bench $(BENCH_ARGS)

# ---------------------------------------------------------------- 4  tests

# Every tests/**/test_*.c is a program with one Check suite that is linked with the library's objects, so that it
# may look inside; every tests/**/test_*.sh and test_*.py is a test of the built files. SUITES picks some:
# make check SUITES='base/% text/test_bpe'. RUN_WITH goes before each program: qemu-aarch64, valgrind.
SUITES ?= %
RUN_WITH ?=
TEST_NAMES := $(filter $(SUITES),$(patsubst tests/%.c,%,$(shell find tests -name 'test_*.c' | sort)))
TEST_BIN := $(TEST_NAMES:%=$(BUILD)/tests/%)
TEST_OBJ := $(TEST_NAMES:%=$(BUILD)/obj/tests/%.o)
# Scripts test the plain build only: a sanitizer's runtime cannot be loaded into python or another compiler's program.
SCRIPTS := $(if $(SANITIZE)$(RUN_WITH),,$(shell find tests -name 'test_*.sh' -o -name 'test_*.py' | sort))
SCRIPT_TESTS := $(strip $(foreach s,$(SCRIPTS),$(if $(filter $(SUITES),$(basename $(s:tests/%=%))),$(s))))
# Those that take long come first, so that none is left to run alone at the end.
TEST_ORDER := $(filter $(BUILD)/tests/runtime/%,$(TEST_BIN)) $(filter-out $(BUILD)/tests/runtime/%,$(TEST_BIN))
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tests/support/*.c)))
CHECK_LIBS ?= $(shell pkg-config --libs check)

$(BUILD)/obj/tests/%.o: tests/%.c $(FLAGS_FILE)
	$(call compile,$(TEST_FLAGS) $(EXTRA))
# A static rule: a pattern without a recipe would add no prerequisite.
$(filter $(BUILD)/tests/shop/%,$(TEST_BIN)): $(SHOP_OBJ)
# What the server reads of strangers.
SERVER_READS := $(BUILD)/obj/tools/server/gen_body.o $(BUILD)/obj/tools/server/token.o
$(filter $(BUILD)/tests/server/%,$(TEST_BIN)): $(SERVER_READS)
$(filter $(BUILD)/tests/server/%,$(TEST_BIN)): CHECK_LIBS += $(SERVER_READS) -ljansson -lsodium
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT_OBJ) $(INTERNAL)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $< $(SUPPORT_OBJ) $(if $(filter $(BUILD)/tests/shop/%,$@),$(SHOP_OBJ)) $(INTERNAL) -o $@ $(CHECK_LIBS) \
		$(LIBS) $(if $(filter $(BUILD)/tests/shop/%,$@),$(SHOP_LIBS)) -Wl,-rpath,'$$ORIGIN/../../lib'
.SECONDARY: $(TEST_OBJ) $(SUPPORT_OBJ)

.PHONY: check check-programs
check: lib check-programs $(if $(SCRIPT_TESTS),programs man)
	@BUILD=$(BUILD) RUN_WITH='$(RUN_WITH)' CC='$(CC)' tools/build/run-tests.sh $(SCRIPT_TESTS) $(TEST_ORDER)
check-programs: $(TEST_BIN)

# ---------------------------------------------------------------- 5  other builds of the same

.PHONY: asan asan-clang tsan valgrind arm arm-llmcs
# Lines and no variables for a debugger: half the time to compile the kernels.
SANITIZER_OPT := -O1 -g1
ADDRESS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan:
	@+$(MAKE) --no-print-directory BUILD=build/asan OPT='$(SANITIZER_OPT)' SANITIZE='$(ADDRESS)' check SUITES='$(SUITES)'
# clang sees undefined behaviour that gcc does not, offsets added to NULL for example.
asan-clang:
	@+$(MAKE) --no-print-directory BUILD=build/asan-clang CC=clang OPT='$(SANITIZER_OPT)' SANITIZE='$(ADDRESS)' check \
		SUITES='$(SUITES)'

# What has threads. The address space is not randomised where that can be had: older ThreadSanitizers insist.
TSAN_SUITES ?= shop/desk/test_acts shop/wording/test_wording shop/guard/test_mask shop/learn/test_learn shop/knowledge/test_knowledge_threads search/test_snapshots shop/store/test_store shop/classifier/test_classifier base/test_pool base/test_status nn/test_openblas runtime/test_misuse runtime/test_bits runtime/test_cancel runtime/test_threads \
	runtime/test_merge runtime/test_engine_calls runtime/test_engine_threads runtime/test_engine_stop runtime/test_engine_tokens runtime/test_span_calls \
	runtime/test_weights runtime/test_session_bytes
tsan:
	@+$(MAKE) --no-print-directory BUILD=build/tsan OPT='$(SANITIZER_OPT)' SANITIZE='-fsanitize=thread' check \
		SUITES='$(TSAN_SUITES)' RUN_WITH="$$(setarch -R true 2>/dev/null && echo setarch -R)"

# Every tests/fuzz/fuzz_*.c is a libFuzzer target (clang): FUZZ_SECONDS each, from the inputs in tests/data/hostile and
# seeds that make_seeds.py makes of the other test data. What falls out is left in build/fuzz; once fixed it belongs to
# tests/data/hostile, which `make check` replays.
FUZZ_SECONDS ?= 60
FUZZ_NAMES := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_TARGETS ?= $(FUZZ_NAMES)
# Inputs that are whole models and tokenizers may have 1 MiB, others 64 KiB.
fuzz_max_len = $(if $(filter adapter folder gguf oom open quantize sentencepiece tokenizer,$(1)),1048576,65536)
fuzz_dict = tests/fuzz/$(if $(filter gguf open,$(1)),gguf,$(if $(filter chat,$(1)),jinja,json)).dict
.PHONY: fuzz fuzz-programs
fuzz: programs
	@+$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang OPT='-O1 -g' \
		SANITIZE='$(ADDRESS) -fsanitize=fuzzer-no-link' fuzz-programs
	@LLMCS=$(BUILD)/bin/llmcs python3 tests/fuzz/make_seeds.py build/fuzz/seeds
	@$(foreach t,$(FUZZ_TARGETS),echo "fuzz $t: $(FUZZ_SECONDS) s" && \
		mkdir -p build/fuzz/corpus/$t build/fuzz/seeds/$t tests/data/hostile/$t && \
		build/fuzz/bin/fuzz_$t -max_total_time=$(FUZZ_SECONDS) -max_len=$(call fuzz_max_len,$t) -timeout=20 \
			-dict=$(call fuzz_dict,$t) -verbosity=0 -print_final_stats=1 -artifact_prefix=build/fuzz/$t- \
			build/fuzz/corpus/$t build/fuzz/seeds/$t tests/data/hostile/$t &&) true
fuzz-programs: $(FUZZ_NAMES:%=$(BUILD)/bin/fuzz_%)
# fuzz_shop_*.c are linked with the shop layer, too.
$(patsubst %,$(BUILD)/bin/fuzz_%,$(filter shop_%,$(FUZZ_NAMES))): $(SHOP_OBJ)
$(patsubst %,$(BUILD)/bin/fuzz_%,$(filter server_%,$(FUZZ_NAMES))): $(SERVER_READS)
$(BUILD)/bin/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(INTERNAL)
	$(call show,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer $< $(if $(findstring fuzz_shop_,$@),$(SHOP_OBJ)) $(INTERNAL) -o $@ $(LIBS) \
		$(if $(findstring fuzz_shop_,$@),$(SHOP_LIBS)) $(if $(findstring fuzz_server_,$@),$(SERVER_READS) -ljansson -lsodium)

# Leaks and uninitialised reads in the release build.
VALGRIND_SUITES ?= base/test_alloc base/test_status base/test_file base/test_pool
VALGRIND := env LLMCS_EMULATED=valgrind valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
	--suppressions=tests/support/valgrind.supp
valgrind:
	@+$(MAKE) --no-print-directory check SUITES='$(VALGRIND_SUITES)' RUN_WITH='$(VALGRIND)'
	@$(VALGRIND) $(BUILD)/bin/llmcs generate examples/models/shop-gpt2 --max-new-tokens 6 --num-beams 2 'User: hi' \
		>/dev/null && $(VALGRIND) $(BUILD)/bin/sentiment 'Fits well.' >/dev/null && \
		echo 'valgrind: nothing leaked or was read unset in a generation and a classification'

# AArch64 from another machine: Debian's cross compiler, arm64 libraries unpacked into build/arm64 without touching
# the system, tests run by qemu's user emulation.
ARM_ROOT := build/arm64/sysroot
ARM_LIB := $(ARM_ROOT)/usr/lib/aarch64-linux-gnu
ARM_UNPACKED := $(ARM_ROOT)/unpacked
$(ARM_UNPACKED): tools/build/arm-sysroot.sh
	@rm -rf $(ARM_ROOT) && $< $(ARM_ROOT) && touch $@
# What another processor could change; the parsers and the rest see the same C.
ARM_SUITES ?= base/% kernels/% nn/% runtime/test_golden text/test_tiny
QEMU = env LLMCS_EMULATED=qemu qemu-aarch64 -L /usr/aarch64-linux-gnu
ARM_MAKE = $(MAKE) --no-print-directory BUILD=build/arm64 CC=aarch64-linux-gnu-gcc CROSS=aarch64-linux-gnu- \
	CPPFLAGS='-isystem $(ARM_ROOT)/usr/include' LDFLAGS='-L$(ARM_LIB)' CHECK_LIBS='-lcheck_pic -lsubunit -lrt -lm' \
	EDIT_LIBS='-ledit -ltinfo -lbsd -lmd' OPENBLAS_A= WITHOUT_SHOP=1
# qemu's own processor has all that kernels ask for; these have neither dot products nor i8mm, and no i8mm.
ARM_CPUS := cortex-a72 neoverse-n1
ARM_CPU_SUITES ?= kernels/test_weights
arm: $(ARM_UNPACKED)
	@+$(ARM_MAKE) check SUITES='$(ARM_SUITES)' RUN_WITH='$(QEMU)'
	@+for cpu in $(ARM_CPUS); do echo "as $$cpu:"; \
		$(ARM_MAKE) check SUITES='$(ARM_CPU_SUITES)' RUN_WITH="$(QEMU) -cpu $$cpu" || exit 1; done

arm-llmcs: $(ARM_UNPACKED)
	@+$(ARM_MAKE) build/arm64/bin/llmcs

# ---------------------------------------------------------------- 6  code checks

C_FILES := $(shell find $(wildcard include lib tests tools examples bench) -name '*.[ch]' -o -name '*.[ch]pp' | sort)
.PHONY: format lint abi-baseline clean
format:
	clang-format -i $(C_FILES)
lint: lib
	@$(CHECK_ENV) tools/package/release-check.sh $(VERSION) --lint
	@BUILD=$(BUILD) NM=$(NM) tools/build/lint.sh $(C_FILES)

# What lint compares the ABI with: made anew, deliberately, with a version that adds to it.
abi-baseline: lib
	@for so in $(SO) $(SHOP_SO); do name=$${so##*/} && \
		abidw --drop-private-types --headers-dir include --exported-interfaces-only --no-show-locs --no-corpus-path \
			--no-comp-dir-path --no-elf-needed --type-id-style hash --out-file tests/abi/$${name%%.so*}.abi $$so; done

clean:
	rm -rf $(BUILD)

# ---------------------------------------------------------------- 7  installation and packages

include tools/package/package.mk

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(SHOP_OBJ) $(SHOP_TOOL_OBJ) $(OPENBLAS_OBJ) $(POSTGRES_OBJ) $(SUPPORT_OBJ) $(TEST_OBJ) $(TOOL_OBJ) $(SERVER_OBJ) $(BENCH_OBJ)) \
	$(EXAMPLES:$(BUILD)/bin/%=$(BUILD)/obj/examples/%.d)

endif

.PHONY: help
help:
	@echo 'make            library and programs into $(BUILD)/lib and $(BUILD)/bin'
	@echo 'make deps       install what a build and its tests need (Debian, Ubuntu; a list elsewhere)'
	@echo 'make deps-dev   and what the targets below need: clang, valgrind, qemu, a cross compiler'
	@echo 'make demo       the example programs on the models in examples/models'
	@echo 'make check      all tests; SUITES="base/% text/test_bpe" for some'
	@echo 'make bench      what this machine does, and its limits (BENCH_ARGS)'
	@echo 'make asan | asan-clang | tsan | valgrind    tests under a sanitizer, into build/asan, build/tsan'
	@echo 'make fuzz       each fuzzer of tests/fuzz for FUZZ_SECONDS=60; FUZZ_TARGETS=json picks some'
	@echo 'make arm        cross build for AArch64 into build/arm64, tests under qemu; make arm-llmcs: the command alone'
	@echo 'make lint | format | clean'
	@echo 'make install | uninstall (PREFIX, DESTDIR, LIBDIR) | dist | deb | docs | release-check'
	@echo 'make abi-baseline   the ABI as it is becomes what lint compares with'
	@echo 'variables       CC, CFLAGS, OPT, BUILD, WERROR=1, V=1'
