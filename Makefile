# latent: `make` builds everything under build/. The main targets:
#
#   make deps       install what is missing (Debian, Ubuntu); does nothing when all is there
#   make            the library, liblatent.a and liblatent.so, and the Lua module, latent.so
#   make demo       principal components of handwritten digits: numbers and pictures
#   make scripts    every experiment of scripts/ in its short form, into build/scripts (FORM=: whole; ONLY=vae: some)
#   make gallery    all of them whole, an hour, and scripts/README.md with its thumbnails
#   make test       every spec            make test SPEC=spec/pca_spec.lua: one of them
#   make lint       formatting, warnings as errors, luacheck
#   make fuzz       random calls of everything, under the address and undefined sanitizers: SECONDS=60 SEED=1
#   make fuzz-readers  files that are almost right for every reader, by clang's libFuzzer or else by a driver of
#                   our own: SECONDS=60 for each, or RUNS=10000
#   make refused    every request for memory of every function, fit and reader is refused in turn (HOW=short: some)
#   make check-all  all of these and more, for hours: see CONTRIBUTING.md
#   make repl       the command `latent` of the build tree: a prompt with completion, history and help
#   make kernel     a Jupyter kernel for Lua, in build/jupyter; KERNEL=user: for your own Jupyter, which needs ipykernel
#   make notebook   the notebooks in a browser; NOTEBOOK_FLAGS=--no-browser, ...
#   make notebooks  runs all of them, into build/notebooks; WRITE=1: their outputs are replaced
#   make bench      latent and its peers side by side (make bench-deps: installs the peers; make limits: what the
#                   machine can do; make bench-table: the README's table)
#   make docs       the reference, from the documentation's one source: Markdown in build/docs, HTML in build/html,
#                   and the command's manual page; make stubs: these, and stubs for editors in build/stubs
#   make mpi        latent_mpi.so, for latent.mpi: needs an MPI, Open MPI or MPICH (MPICC=mpicc.mpich)
#   make install    PREFIX=/usr/local, DESTDIR=, or LuaRocks' LIBDIR and LUADIR
#   make env        the LUA_PATH and LUA_CPATH of the build tree: eval "$(make -s env)"
#
# Variables: CC CFLAGS LUA LUA_INCDIR SANITIZE=address,undefined (or thread) DEBUG=1 (assertions) BUILD V=1
#            BLAS=openblas, blis or blas (with a BUILD of its own)

CC         = gcc
LUA        = lua5.4
LUA_INCDIR = $(shell pkg-config --variable=includedir lua5.4 2>/dev/null || echo /usr/include)/lua5.4
CFLAGS     = -O3 -g
LIBFLAG    = -shared
SANITIZE   =
DEBUG      =
BUILD      = build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)),$(if $(DEBUG),/debug))
comma      = ,

VERSION    = $(shell sed -n 's/^.define LAT_VERSION  *"\(.*\)"/\1/p' core/base/version.h)
ABI        = $(shell sed -n 's/^.define LAT_ABI  *//p' core/base/version.h)
PREFIX     = /usr/local
INST_PREFIX = $(PREFIX)
LIBDIR     = $(or $(INST_LIBDIR),$(INST_PREFIX)/lib/lua/5.4)
LUADIR     = $(or $(INST_LUADIR),$(INST_PREFIX)/share/lua/5.4)

# -fno-math-errno and -fno-trapping-math let loops become vector code and change no result;
# -ffast-math is never used: linking with it switches the host's floating-point mode.
# clang tells of every loop that plain x86-64 has no vectors for, and, from 17 on, of constants that are compared
# with doubles; gcc doesn't know the words.
CLANG      = $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),yes)
WARNINGS  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
             $(if $(CLANG),-Wno-pass-failed -Wno-unknown-warning-option -Wno-enum-float-conversion)
LAT_CFLAGS = -std=c11 -D_GNU_SOURCE -Icore -fPIC -pthread -fno-math-errno -fno-trapping-math \
             -ffp-contract=off -fno-semantic-interposition -ffunction-sections -fdata-sections $(WARNINGS) $(if $(SANITIZE)$(DEBUG),-DLAT_DEBUG) \
             $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
             $(if $(filter thread,$(SANITIZE)),-DLAT_NO_CLONES) # they are chosen before this one is ready
# LAPACKE's few wrappers are linked in where their archive is: its shared library would bring
# a second LAPACK and BLAS into the host, and two milliseconds to its start.
LAPACKE    = $(if $(findstring /,$(shell $(CC) -print-file-name=liblapacke.a)),-l:liblapacke.a,-llapacke)
# openblas; blis; or blas: what the system has as libblas and liblapack. Of the latter two it is seen at run time
# how many threads they have (base/blas_library.h).
BLAS       = openblas
BLAS_LIBS  = $(if $(filter openblas,$(BLAS)),-lopenblas,-llapack -l$(BLAS))
LIBS       = $(LAPACKE) $(BLAS_LIBS) -lm
LDFLAGS    = -pthread -Wl,-z,nodelete -Wl,--no-undefined $(if $(SANITIZE),-fsanitize=$(SANITIZE))
# the module finds lua_* in its host, so they stay undefined here
MODFLAGS   = $(filter-out -Wl$(comma)--no-undefined,$(LDFLAGS)) -Wl,--exclude-libs,ALL \
             -Wl,--gc-sections # what C hosts alone call needs no place in the module

# folders lie in folders: a file that no list names would silently be neither built nor installed
CORE_C     = $(sort $(shell find core -name '*.c'))
BIND_C     = $(sort $(shell find bindings -name '*.c' ! -path 'bindings/command/*' ! -path 'bindings/mpi/*'))
LUA_FILES  = $(shell find bindings/latent -type f 2>/dev/null)
CORE_O     = $(CORE_C:%.c=$(BUILD)/%.o)
BIND_O     = $(BIND_C:%.c=$(BUILD)/%.o)
BUILT_LUA  = $(LUA_FILES:bindings/%=$(BUILD)/lua/%)
Q          = $(if $(V),,@)

all: $(BUILD)/liblatent.a $(BUILD)/liblatent.so $(BUILD)/latent.so $(BUILD)/latent/interrupt.so $(BUILT_LUA)

$(BUILD)/core/%.o: core/%.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  cc $<")
	$(Q)$(CC) $(LAT_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Loops over elements, dozens of them for three kinds of processor: vector code by -O2 is as fast, and
# -O3's further copies of each are 100 KB.
$(addprefix $(BUILD)/core/,nn/ops_elementwise.o nn/ops_probability.o nn/ops_linear.o nn/ops_flow.o nn/ops_spline.o matrix/arithmetic.o): \
  CFLAGS += -O2 -ftree-vectorize $(if $(CLANG),,-fvect-cost-model=dynamic)

$(BUILD)/core/base/blas_library.o: CFLAGS += $(if $(filter openblas,$(BLAS)),,-DLAT_ANY_BLAS)

# Where there are no loops over numbers: calls from Lua; descriptions, fits as a whole, files.
$(filter-out $(BUILD)/bindings/lua/%,$(BIND_O)): CFLAGS += -O2
$(filter $(BUILD)/core/modeling/%.o %/options.o %/fit.o %_options.o,$(CORE_O)) \
  $(addprefix $(BUILD)/core/files/,json.o json_write.o npy.o npz.o npz_write.o pnm.o safetensors.o safetensors_model.o file.o csv_columns.o): \
  CFLAGS += -Os

$(BUILD)/bindings/%.o: bindings/%.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  cc $<")
	$(Q)$(CC) $(LAT_CFLAGS) -fvisibility=hidden -Ibindings -isystem $(LUA_INCDIR) $(CFLAGS) -MMD -MP -c -o $@ $<

# One archive serves both kinds of host: the bindings are linked in only by one that
# names luaopen_latent.
$(BUILD)/liblatent.a: $(CORE_O) $(BIND_O)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/liblatent.so: $(CORE_O) scripts/liblatent.map
	$(Q)$(CC) $(LIBFLAG) -Wl,-soname,liblatent.so.$(ABI) -Wl,--version-script=scripts/liblatent.map \
	  -o $@ $(CORE_O) $(LDFLAGS) $(LIBS)

$(BUILD)/core.a: $(CORE_O)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/latent.so: $(BIND_O) $(BUILD)/core.a
	$(Q)$(CC) $(LIBFLAG) -o $@ $(BIND_O) $(BUILD)/core.a $(MODFLAGS) $(LIBS)

# what the prompt and the notebooks need of signals, which are none of the module's
$(BUILD)/latent/interrupt.so: bindings/command/interrupt.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(LAT_CFLAGS) -isystem $(LUA_INCDIR) $(CFLAGS) $(LIBFLAG) -o $@ $<

# the ranks of an MPI job: Open MPI's compiler or MPICH's, MPICC=mpicc.mpich
MPICC = mpicc
mpi: $(BUILD)/latent_mpi.so
$(BUILD)/latent_mpi.so: bindings/mpi/latent_mpi.c
	@mkdir -p $(@D)
	$(Q)$(MPICC) $(LAT_CFLAGS) -isystem $(LUA_INCDIR) $(CFLAGS) $(LIBFLAG) -o $@ $<

$(BUILD)/lua/%: bindings/%
	@mkdir -p $(@D)
	@cp $< $@

HERE = $(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)
ENV = LUA_PATH="$(HERE)/lua/?.lua;;" LUA_CPATH="$(HERE)/?.so;;"
SPEC   = spec
# Debian's busted runs under whatever `lua` is, so it is given its interpreter here.
BUSTED = $(shell command -v busted)
# What Lua's interpreter, which has no sanitizer, is given of one. The thread sanitizer needs the usual addresses
# (setarch -R), and must not get into the shells that specs run, so that it has an interpreter of its own.
SANITIZER_OPTIONS = $(if $(SANITIZE),ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=1:max_allocation_size_mb=3000 \
            UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1:die_after_fork=0)
THREAD  = $(findstring thread,$(SANITIZE))
PRELOAD = $(SANITIZER_OPTIONS) $(if $(THREAD),LATENT_LUA="$(CURDIR)/$(BUILD)/lua-thread",$(if \
            $(SANITIZE),LD_PRELOAD="$(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libubsan.so)"))
SPEC_LUA = $(if $(THREAD),$(BUILD)/lua-thread,$(LUA))

$(BUILD)/lua-thread:
	@mkdir -p $(@D)
	@lua=$$(command -v $(LUA)) && loader=$$(readelf -p .interp "$$lua" | grep -o '/[^ ]*ld[^ ]*') && \
	  printf '#!/bin/sh\nexec setarch -R %s --preload %s %s "$$@"\n' \
	  "$$loader" "$(shell $(CC) -print-file-name=libtsan.so)" "$$lua" >$@ && chmod +x $@

env:
	@echo 'export $(ENV)'

test: all $(BUILD)/bin/latent $(if $(THREAD),$(BUILD)/lua-thread)
	$(Q)$(PRELOAD) LATENT_BUILD="$(CURDIR)/$(BUILD)" LATENT_LIBS="$(LIBS)" CC="$(CC)$(SANITIZE:%= -fsanitize=%)" $(ENV) $(SPEC_LUA) $(BUSTED) $(BUSTED_FLAGS) $(SPEC)

# ---- fuzzing: what it is, the heads of spec/fuzz/calls.lua and spec/fuzz/readers.sh say ----

SECONDS = 60
SEED    = 1
RUNS    =
# clang, where it has libFuzzer
FUZZ_CC = $(shell echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' | \
            clang -x c - -fsanitize=fuzzer -o /dev/null 2>/dev/null && echo clang || echo $(CC))
FUZZ_SANITIZE = $(if $(findstring clang,$(FUZZ_CC)),fuzzer-no-link$(comma))address,undefined

$(BUILD)/calls: spec/fuzz/calls.c $(BUILD)/liblatent.a
	$(Q)$(CC) $(LAT_CFLAGS) -g -O1 -isystem $(LUA_INCDIR) -o $@ $^ $(LIBS) -llua5.4 -Wl,-E

calls: all $(BUILD)/calls
	$(Q)$(SANITIZER_OPTIONS) $(ENV) sh spec/fuzz/calls.sh $(CURDIR)/$(BUILD)/calls $(SECONDS) $(SEED)

fuzz:
	$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined calls

fuzz-readers: all
	$(Q)$(MAKE) --no-print-directory CC=$(FUZZ_CC) SANITIZE=$(FUZZ_SANITIZE) BUILD=build/fuzz build/fuzz/liblatent.a
	$(Q)CC=$(FUZZ_CC) LUA=$(LUA) LUA_INCDIR=$(LUA_INCDIR) $(ENV) LATENT_LIBS="$(LIBS)" sh spec/fuzz/readers.sh build/fuzz $(if $(RUNS),x$(RUNS),$(SECONDS))

# ---- every request for memory refused, of everything (spec/embed/refused.lua) ----

HOW = all

$(BUILD)/refused: spec/embed/memory.c $(BUILD)/liblatent.a
	$(Q)$(CC) $(LAT_CFLAGS) -g -O1 -isystem $(LUA_INCDIR) -o $@ $^ $(LIBS) -llua5.4 -Wl,-E \
	  -Wl,--wrap=malloc,--wrap=realloc,--wrap=aligned_alloc

refused: all $(BUILD)/refused
	$(Q)$(ENV) $(BUILD)/refused spec/embed/refused.lua $(HOW)

# ---- the whole of what .ci/run has short forms of: hours ----

AGAIN = $(Q)$(MAKE) --no-print-directory

check-all: all
	$(AGAIN) test lint demo
	$(AGAIN) scripts FORM=
	$(AGAIN) test DEBUG=1
	$(AGAIN) test SANITIZE=address,undefined
	$(AGAIN) test SANITIZE=thread SPEC="spec/base_spec.lua spec/blas_spec.lua spec/module_spec.lua spec/em_spec.lua"
	$(AGAIN) refused
	$(AGAIN) fuzz SECONDS=3600
	$(AGAIN) fuzz-readers SECONDS=600
	$(AGAIN) portability

# Other compilers, versions of Lua, machines and libraries, as far as they can be had: STEPS="clang arm64" for some.
STEPS =

portability: all
	$(Q)sh scripts/portability/run.sh $(STEPS)

# The command `latent`: what it is told where is a word of the shell's, whatever is in it.
one_word    = '$(subst ','\'',$(1))'
for_sed     = $(subst |,\|,$(subst &,\&,$(subst \,\\,$(1))))
command_for = sed -e $(call one_word,s|@LUA@|$(call for_sed,$(call one_word,$(LUA)))|) \
  -e $(call one_word,s|@LUADIR@|$(call for_sed,$(call one_word,$(1)))|) \
  -e $(call one_word,s|@LIBDIR@|$(call for_sed,$(call one_word,$(2)))|) bindings/command/latent.sh

$(BUILD)/bin/latent: bindings/command/latent.sh Makefile
	@mkdir -p $(@D)
	$(Q)$(call command_for,$(HERE)/lua,$(HERE)) >$@ && chmod +x $@

repl: all $(BUILD)/bin/latent
	$(Q)$(BUILD)/bin/latent

clean:
	rm -rf build

# ---- dependencies, the main job, documentation ----

deps:
	$(Q)CC="$(CC)" LUA="$(LUA)" sh scripts/deps.sh
# `make -j deps demo`: nothing is compiled before its compiler is there
$(CORE_O) $(BIND_O): | $(filter deps,$(MAKECMDGOALS))

demo: all
	$(Q)$(PRELOAD) $(ENV) $(LUA) scripts/digits.lua $(BUILD)/digits

FORM = --short
ONLY =
EXPERIMENTS = $(Q)$(PRELOAD) $(ENV) $(LUA) scripts/gallery.lua --output $(BUILD)/scripts $(if $(ONLY),--only $(ONLY))

scripts: all
	$(EXPERIMENTS) $(FORM)

gallery: all
	$(EXPERIMENTS) --write

$(BUILD)/html/index.html: $(BUILD)/latent.so $(BUILT_LUA) $(wildcard scripts/reference/*.lua)
	$(Q)$(PRELOAD) $(ENV) $(LUA) scripts/reference/run.lua $(BUILD)

$(BUILD)/stubs/latent.lua: $(BUILD)/latent.so $(BUILT_LUA) scripts/stubs.lua
	@mkdir -p $(@D)
	$(Q)$(PRELOAD) $(ENV) $(LUA) scripts/stubs.lua $(@D)

docs: all $(BUILD)/html/index.html

stubs: docs $(BUILD)/stubs/latent.lua

# ---- notebooks: the kernel lies in a Python environment of its own, or where KERNEL=user has its Jupyter ----

PYTHON        = python3
JUPYTER       = $(CURDIR)/build/jupyter
KERNEL        = own
KERNEL_PYTHON = $(if $(filter user,$(KERNEL)),$(shell command -v $(PYTHON)),$(JUPYTER)/bin/python)
KERNEL_FILES  = latent_kernel.py session.lua
NOTEBOOKS     = $(sort $(wildcard notebooks/*.ipynb))
WRITE         =
NOTEBOOK_FLAGS =

$(JUPYTER)/ready:
	$(Q)$(PYTHON) -m venv $(JUPYTER) || \
	  { rm -rf $(JUPYTER); echo "python3's venv is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(Q)$(JUPYTER)/bin/pip install --quiet ipykernel nbclient jupyter_kernel_test
	@touch $@

jupyter: $(JUPYTER)/ready

kernel: all $(if $(filter user,$(KERNEL)),,$(JUPYTER)/ready)
	@mkdir -p $(BUILD)/kernel/latent
	$(Q)cp $(KERNEL_FILES:%=notebooks/kernel/%) $(BUILD)/kernel/latent/
	$(Q)sed -e 's|@PYTHON@|$(KERNEL_PYTHON)|' -e 's|@BUILD@|$(CURDIR)/$(BUILD)|' -e 's|@LUA@|$(LUA)|' \
	  notebooks/kernel/kernel.json.in >$(BUILD)/kernel/latent/kernel.json
	$(Q)$(KERNEL_PYTHON) -W ignore -m jupyter_client.kernelspecapp install --log-level WARN --name latent \
	  $(if $(filter user,$(KERNEL)),--user,--prefix $(JUPYTER)) $(BUILD)/kernel/latent

notebook: kernel
	$(Q)$(JUPYTER)/bin/python -c "import notebook" 2>/dev/null || $(JUPYTER)/bin/pip install --quiet notebook
	$(Q)$(JUPYTER)/bin/jupyter-notebook --notebook-dir=notebooks $(NOTEBOOK_FLAGS)

notebooks: kernel
	$(Q)$(JUPYTER)/bin/python notebooks/kernel/execute.py $(if $(WRITE),--write) $(BUILD)/notebooks $(NOTEBOOKS)

# ---- lint: formatting, luacheck, warnings as errors (here and for arm64, where its compiler is) ----

C_FILES  = $(shell find core bindings spec scripts notebooks -name '*.[ch]' 2>/dev/null)
SPEC_C   = $(filter-out spec/added_model/%,$(filter spec/%.c bindings/command/%.c,$(C_FILES))) # that one compiles in its copy of the tree
# not `.`: in build/portability are whole systems
LUA_TREES = $(filter-out build/,$(sort $(wildcard */)))
CROSS    = $(shell command -v aarch64-linux-gnu-gcc)
STRICT   = -O2 -Werror
# headers of this machine's libraries, after the cross compiler's own
CROSSFLAGS = $(STRICT) -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)

lint:
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	luacheck --quiet $(LUA_TREES)
	$(Q)$(LUA) scripts/structure.lua
	$(Q)$(MAKE) BUILD=build/lint CFLAGS="$(STRICT)" objects
	$(if $(SPEC_C),$(Q)for f in $(SPEC_C); do $(CC) $(LAT_CFLAGS) $(STRICT) -Ibindings -isystem $(LUA_INCDIR) -c -o /dev/null $$f || exit 1; done)
	$(if $(CROSS),$(Q)$(MAKE) BUILD=build/lint/arm64 CC=$(CROSS) CFLAGS="$(CROSSFLAGS)" objects)

objects: $(CORE_O) $(BIND_O)

# ---- benchmarks: make bench, make bench CASE=pca: the cases whose names have it ----

PEERS = $(CURDIR)/build/peers

bench-deps:
	$(Q)test -x $(PEERS)/bin/pip || python3 -m venv $(PEERS) || \
	  { rm -rf $(PEERS); echo "python3's venv is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(Q)$(PEERS)/bin/pip install --quiet --upgrade numpy scipy scikit-learn threadpoolctl \
	  statsmodels pykalman safetensors faiss-cpu scikit-learn-intelex torch==2.13.0 zuko \
	  POT torchdiffeq
	$(Q)$(PEERS)/bin/pip install --quiet --no-deps torchcfm # what it asks for besides is for its examples

# What specs of exported models use where it is: a checker and a runtime of ONNX, a compiler for Wasm and its runtime.
export-deps:
	$(Q)test -x $(PEERS)/bin/pip || python3 -m venv $(PEERS)
	$(Q)$(PEERS)/bin/pip install --quiet --upgrade onnx onnxruntime ziglang wasmtime

# The hosts of spec/hosts_spec.lua: Debian's servers, clingo and a client of many connections; lupa from PyPI.
host-deps:
	$(Q)apt-get install -y -qq --no-install-recommends lighttpd lighttpd-modules-lua haproxy gringo wrk
	$(Q)test -x $(PEERS)/bin/pip || python3 -m venv $(PEERS)
	$(Q)$(PEERS)/bin/pip install --quiet --upgrade numpy lupa

bench: all $(BUILD)/bench/limits.lua
	$(Q)LATENT_LIBS="$(LIBS)" $(ENV) $(LUA) scripts/bench/run.lua $(BUILD) $(CASE)

# What the machine can do, measured once (make limits measures anew); the README's table of the last results.
limits:
	$(Q)rm -f $(BUILD)/bench/limits.lua
	$(Q)$(MAKE) --no-print-directory $(BUILD)/bench/limits.lua && cat $(BUILD)/bench/limits.lua

$(BUILD)/bench/limits.lua: scripts/bench/limits.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O3 -ffp-contract=fast -pthread -o $(BUILD)/bench/limits $< && $(BUILD)/bench/limits $@

bench-table:
	$(Q)$(LUA) scripts/bench/table.lua $(BUILD)/bench/results.jsonl README.md

# ---- install: LuaRocks gives INST_LIBDIR and INST_LUADIR and takes the module only, as does LIBDIR without PREFIX;
# ---- with PREFIX it only says where in it Lua's modules are (PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu/lua/5.4)
# Old files are removed first, so that a running process keeps the ones it has mapped. Debug
# information and names, which are most of a file, stay in the build tree.

ROCK      = $(INST_LIBDIR)$(if $(filter command%,$(origin PREFIX)),,$(filter command%,$(origin LIBDIR)))
# what latent.h includes; internal headers and templates of code are nobody else's
HEADERS   = $(sort $(filter core/%,$(shell $(CC) -std=c11 -Icore -MM core/latent.h)))
LUA_HEADER = bindings/latent_lua.h # for hosts that embed Lua
PUT       = install -D -m 644

headers:
	@echo $(HEADERS) $(LUA_HEADER)

STRIP     = strip

# A path as one word of the shell's, whatever is in it: $(call quoted,$(PREFIX)/lib)
quoted      = $(call one_word,$(DESTDIR)$(1))
MODULE      = $(call quoted,$(LIBDIR)/latent.so)
INTERRUPT   = $(call quoted,$(LIBDIR)/latent/interrupt.so)
COMMAND     = $(call quoted,$(PREFIX)/bin/latent)
LUA_FOLDER  = $(call quoted,$(LUADIR)/latent)
INCLUDES    = $(call quoted,$(PREFIX)/include/latent)
LIB         = $(call quoted,$(PREFIX)/lib)
SHARE       = $(call quoted,$(PREFIX)/share/latent)
DOC         = $(call quoted,$(PREFIX)/share/doc/latent)
MAN         = $(call quoted,$(PREFIX)/share/man/man1/latent.1)
# pkg-config reads a flag as the shell does, so blanks and quotes are escaped; then for sed
blank       = $(subst ,, )
# What a static program needs besides, in this order, of what this system has as archives: Debian's OpenBLAS
# leaves much of LAPACK to liblapack.a, which is Fortran.
archive     = $(findstring /,$(shell $(CC) -print-file-name=lib$(1).a))
PC_STATIC   = $(LAPACKE) $(if $(call archive,lapack),-llapack) $(filter-out -llapack,$(BLAS_LIBS)) \
              $(if $(call archive,gfortran),-lgfortran $(if $(call archive,quadmath),-lquadmath)) -lm -pthread
PC_PREFIX   = $(subst |,\|,$(subst &,\&,$(subst $(blank),\\ ,$(subst ',\\'\'',$(PREFIX)))))

install: all
	$(Q)rm -f $(MODULE)
	$(Q)install -D -m 755 $(BUILD)/latent.so $(MODULE)
	$(Q)$(STRIP) --strip-unneeded $(MODULE)
	$(if $(wildcard $(BUILD)/latent_mpi.so),$(Q)install -D -m 755 $(BUILD)/latent_mpi.so $(call quoted,$(LIBDIR)/latent_mpi.so))
	$(Q)rm -rf $(LUA_FOLDER)
	$(Q)for f in $(LUA_FILES:bindings/latent/%=%); do $(PUT) bindings/latent/$$f $(LUA_FOLDER)/$$f || exit 1; done
	$(if $(ROCK),,$(Q)$(MAKE) --no-print-directory install-c install-command install-docs)

install-c:
	$(Q)rm -rf $(INCLUDES) $(LIB)/liblatent.*
	$(Q)for f in $(HEADERS:core/%=%); do $(PUT) core/$$f $(INCLUDES)/$$f || exit 1; done
	$(Q)$(PUT) $(LUA_HEADER) $(INCLUDES)/$(notdir $(LUA_HEADER))
	$(Q)$(PUT) $(BUILD)/liblatent.a $(LIB)/liblatent.a
	$(Q)install -D -m 755 $(BUILD)/liblatent.so $(LIB)/liblatent.so.$(ABI)
	$(Q)$(STRIP) -S $(LIB)/liblatent.a
	$(Q)$(STRIP) --strip-unneeded $(LIB)/liblatent.so.$(ABI)
	$(Q)ln -s liblatent.so.$(ABI) $(LIB)/liblatent.so
	$(Q)$(PUT) scripts/from_sklearn.py $(SHARE)/from_sklearn.py
	$(Q)mkdir -p $(LIB)/pkgconfig
	$(Q)sed -e 's|@PREFIX@|$(PC_PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@STATIC@|$(PC_STATIC)|' \
	  scripts/latent.pc.in \
	  >$(LIB)/pkgconfig/latent.pc

install-command:
	$(Q)rm -f $(INTERRUPT) $(COMMAND)
	$(Q)install -D -m 755 $(BUILD)/latent/interrupt.so $(INTERRUPT)
	$(Q)$(STRIP) --strip-unneeded $(INTERRUPT)
	$(Q)mkdir -p $(call quoted,$(PREFIX)/bin)
	$(Q)$(call command_for,$(LUADIR),$(LIBDIR)) >$(COMMAND) && chmod 755 $(COMMAND)

# What needs a Lua that can load the module, which a build for another machine has not.
install-docs:
	$(Q)rm -rf $(DOC) $(MAN) $(SHARE)/stubs
	$(Q)if $(MAKE) --no-print-directory stubs >/dev/null; then \
	  for f in $(BUILD)/html/*.html; do $(PUT) $$f $(DOC)/$${f##*/} || exit 1; done; \
	  $(PUT) $(BUILD)/man/latent.1 $(MAN) && $(PUT) $(BUILD)/stubs/latent.lua $(SHARE)/stubs/latent.lua; \
	else echo "$(LUA) can't load the module here: the reference and the stubs are not installed" >&2; fi

uninstall:
	rm -rf $(MODULE) $(LUA_FOLDER)
	$(if $(ROCK),,rm -rf $(INTERRUPT) $(COMMAND) $(DOC) $(MAN) $(SHARE)/stubs)
	$(if $(ROCK),,rmdir $(call quoted,$(LIBDIR)/latent) 2>/dev/null || true)
	$(if $(ROCK),,rm -rf $(INCLUDES) $(SHARE)/from_sklearn.py $(LIB)/liblatent.a $(LIB)/liblatent.so $(LIB)/liblatent.so.$(ABI) $(LIB)/pkgconfig/latent.pc)


.PHONY: all mpi env test refused check-all portability fuzz fuzz-readers calls repl clean deps demo scripts gallery docs stubs jupyter kernel notebook notebooks lint objects bench bench-deps export-deps host-deps bench-table limits install install-c install-command install-docs uninstall headers
-include $(CORE_O:.o=.d) $(BIND_O:.o=.d)
