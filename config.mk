# Settings of the build and of make install.
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DESTDIR =
# Names such as pack and train are generic: make install PROGRAM_PREFIX=cdcd-
PROGRAM_PREFIX =

CC = cc
CFLAGS = -O3 -g
# The compiler wrapper of MPI, for make MPI=1
MPICC = mpicc

# Where the packages are. pkg-config knows all but libcsv and Random123: set CPPFLAGS and LDFLAGS
# where the compiler does not find those. Asked once, when first needed: "make deps all" may have
# to install pkg-config before.
PKG_CONFIG = pkg-config
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS)))$(PKG_LIBS)
