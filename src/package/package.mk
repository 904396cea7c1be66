# Packages. Equal sources give equal bytes, wherever, whenever and by whomever they are made: the
# time of all files is that of the last commit, or a fixed one where there is no history.
EPOCH    = $(or $(SOURCE_DATE_EPOCH),$(shell [ ! -e .git ] || \
             git -c safe.directory='*' log -1 --format=%ct 2>/dev/null),1767225600)
MACHINE  = $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
DEBIANS  = x86_64=amd64 aarch64=arm64 arm=armhf i686=i386 powerpc64le=ppc64el riscv64=riscv64 s390x=s390x
DEBIAN   = $(patsubst $(MACHINE)=%,%,$(filter $(MACHINE)=%,$(DEBIANS)))
DEB      = $(BUILD)/container-init_$(VERSION)_$(DEBIAN).deb
DEV_DEB  = $(BUILD)/libinitctl-dev_$(VERSION)_$(DEBIAN).deb
TARBALL  = $(BUILD)/container-init-$(VERSION)-$(MACHINE).tar.gz
MAINTAINER = The init maintainers <maintainers@init.invalid>

# "make install" into a directory, with what Debian has elsewhere; package.sh does the rest.
package  = $(if $(findstring musl,$(CC)),,$(error packages hold programs built with musl-gcc, not $(CC)))
tree     = +@rm -rf $(1) && $(MAKE) -s --no-print-directory install DESTDIR=$(1) PREFIX=/usr \
             INIT_NAME=container-init $(2) >/dev/null
pack     = @MAINTAINER='$(MAINTAINER)' STRIP=$(shell $(CC) -print-prog-name=strip) \
             src/package/package.sh

deb: all ## make packages for Debian: container-init and libinitctl-dev
	$(package)
	$(call tree,$(BUILD)/deb.tree,ZSHDIR=/usr/share/zsh/vendor-completions \
		LIBDIR=/usr/lib/$(shell $(CC) -print-multiarch))
	$(pack) deb $(DEB) $(DEV_DEB) $(DEBIAN) $(VERSION) $(EPOCH) $(BUILD)/deb.tree
	@rm -rf $(BUILD)/deb.tree

tarball: all ## make an archive to be unpacked in the root directory of any system
	$(package)
	$(call tree,$(BUILD)/tar.tree)
	$(pack) tarball $(TARBALL) $(VERSION) $(EPOCH) $(BUILD)/tar.tree
	@rm -rf $(BUILD)/tar.tree

.PHONY: deb tarball
