# Where the packages are. pkg-config knows all but libcsv; set these by hand where it does not.
PKG_CONFIG = pkg-config
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
