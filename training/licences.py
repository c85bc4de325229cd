"""Which licence a package is under, read from the text of its own licence files.

    python training/licences.py SOURCES

writes training/licences.toml: of each package that SOURCES holds, what was recognised, and where nothing was, the
beginning of what there is, for a person to read. `permissive` says what may be learned from.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

TABLE = Path(__file__).with_name("licences.toml")
NAMES = re.compile(r"^(?:un)?(?:licen[cs]e|copying|copyright|mit-license|legal)\b.*(?<!\.py)(?<!\.js)(?<!\.h)$", re.I)
DECLARING = {"package.json", "metadata", "pkg-info", "cargo.toml", "composer.json", "cargo.toml.orig"}
MOST_BYTES = 400_000

# A phrase of the text of each, white space as one blank, lower case.
TEXTS = {
    "MIT": r"permission is hereby granted, free of charge, to any person obtaining a copy",
    "MIT-0 or similar": r"permission is hereby granted, without written agreement",
    "Apache-2.0": r"apache license,? version 2\.0|apache-2\.0|apache\.org/licenses/license-2\.0",
    "BSD": r"redistribution and use (?:in|of this software in) source and binary forms|bsd[- ][23][- ]clause",
    "ISC": r"permission to use, copy, modify,? and(?:/or)? distribute this software(?: and its documentation)? for any "
    r"purpose with or without fee",
    "HPND": r"permission to use, copy, modify,? and distribute this software and its documentation for any purpose "
    r"(?:and )?with(?:out| or without) fee",
    "curl": r"permission to use, copy, modify, and distribute this software for any purpose with or without fee is "
    r"hereby granted",
    "PSF": r"psf license agreement|python software foundation license",
    "zlib": r"provided .?as.is.?, without any express or implied warranty\. in no event will the authors",
    "Boost": r"boost software license",
    "Unlicense": r"free and unencumbered software released into the public domain",
    "CC0": r"cc0 1\.0 universal",
    "Public domain": r"(?:dedicated to|in|into) the public domain|disclaims copyright to this source code",
    "PostgreSQL": r"permission to use, copy, modify, and distribute this software and its documentation for any "
    r"purpose, without fee",
    "OpenSSL": r"openssl license",
    "libpng": r"png reference library license",
    "Unicode": r"unicode, inc\. license|unicode license",
    "NCSA": r"university of illinois/ncsa|deal with the software without restriction",
    "Ruby": r"you may make and give away verbatim copies of the source form of the software",
    "Zope": r"zope public license",
    "0BSD": r"zero-clause bsd",
    "BlueOak": r"blue oak model license",
    "Snowball": r"snowball.{0,80}bsd",
}
COPYLEFT = {
    "AGPL": r"gnu affero general public license|\bagpl",
    "LGPL": r"gnu (?:lesser|library) general public license|\blgpl",
    "GPL": r"gnu general public license|\bgpl[ -]?(?:v?[23]|version)",
    "MPL": r"mozilla public license|\bmpl[ -]?[12]",
    "EPL": r"eclipse public license|\bepl[ -]?[12]",
    "CDDL": r"common development and distribution license",
    "CC-BY-SA": r"attribution-sharealike",
    "Non-commercial": r"for non-?commercial|non-?commercial (?:use|purposes) only|attribution-noncommercial",
    "SSPL": r"server side public license",
    "BUSL": r"business source license",
}
# `"license": "MIT"`, `License: MIT`, `license = "MIT OR Apache-2.0"`.
DECLARED = re.compile(
    r"^(?:license(?:-expression)?: *(?P<one>[^\n]{2,60})|"
    r"classifier: license :: (?:osi approved :: )?(?P<three>[^\n]{3,70})|"
    r'\s*"license" *: *"(?P<two>[^"]{2,60})"|license *= *"(?P<four>[^"]{2,60})")',
    re.M | re.I,
)
OPEN = re.compile(
    r"\b(?:mit|isc|bsd|apache|psf|python software foundation|zlib|unlicense|0bsd|boost|public domain|cc0|hpnd|blueoak)",
    re.I,
)


def of_text(text: str) -> set[str]:
    """Every licence whose words stand in a licence file."""
    plain = " ".join(text.lower().replace("*", " ").replace("#", " ").split())
    return {name for name, phrase in (TEXTS | COPYLEFT).items() if re.search(phrase, plain)}


def declared(text: str) -> str:
    """What a manifest says."""
    found = {" ".join(next(filter(None, match.groups())).split()) for match in DECLARED.finditer(text[:20_000])}
    return "; ".join(sorted(found))


def is_licence(path: str) -> bool:
    """Whether a member of an archive is a licence file of the package itself, not of what it bundles."""
    pure = PurePosixPath(path)
    deep = len(pure.parts) > 2 and ".dist-info" not in path and not path.startswith(("debian/", "./usr/share/doc/"))
    if "/usr/share/cargo/" in path or "/usr/share/gocode" in path:
        deep = len(pure.parts) > 6
    return bool(NAMES.match(pure.name)) and not deep and "vendor" not in path


def is_manifest(path: str) -> bool:
    """Whether a member declares a licence."""
    pure = PurePosixPath(path)
    return pure.name.lower() in DECLARING and len(pure.parts) <= 2


def summary(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What is known of a package from (path, text) of its licence files and manifests."""
    read: set[str] = set()
    says: set[str] = set()
    names: list[str] = []
    unknown = ""
    files = list(files)
    if any(is_licence(path) and "debian" not in path for path, _ in files):
        # What Debian says of a package is about its packaging and its documentation too.
        files = [(path, text) for path, text in files if not path.startswith("debian/")]
    for path, text in files:
        if is_licence(path):
            found = of_text(text)
            read |= found
            names.append(PurePosixPath(path).name)
            if not found and not unknown:
                unknown = " ".join(text.split())[:300]
        elif is_manifest(path) and (told := declared(text)):
            says.add(told)
    return {
        "read": ", ".join(sorted(read)),
        "declared": "; ".join(sorted(says)),
        "files": ", ".join(sorted(set(names))[:6]),
        "unknown": unknown if not read else "",
    }


def permissive(package: str, table: dict[str, dict[str, str]] | None = None) -> bool:
    """Whether functions of a package may be learned from: its licence text was recognised, and none of it is copyleft.

    A package with `judged` in licences.toml was read by a person: `in` or `out`, and why.
    """
    item = (table if table is not None else known()).get(package)
    if item is None:
        return False
    if judged := item.get("judged", ""):
        return judged.startswith("in")
    names = set(filter(None, item["read"].split(", ")))
    if names:
        return not names & set(COPYLEFT)
    said = item["declared"]
    return bool(OPEN.search(said)) and not any(re.search(phrase, said.lower()) for phrase in COPYLEFT.values())


def known() -> dict[str, dict[str, str]]:
    """The table of licences.toml."""
    return tomllib.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}


def quoted(text: str) -> str:
    """As a string of TOML."""
    safe = text.replace("\\", "/").replace('"', "'")
    return '"' + "".join(character if character.isprintable() else " " for character in safe) + '"'


def main() -> None:
    """Write the table."""
    import harvest

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+")
    arguments = parser.parse_args()
    table = known()
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    settled = {package for package in table if permissive(package, table) or "judged" in table[package]}
    for archive in harvest.archives(arguments.sources, debian=True):
        if (package := harvest.package_of(archive)) not in settled:
            files[package] += harvest.licence_files(archive)
    table |= {package: summary(found) for package, found in files.items()}
    lines = ["# Written by training/licences.py; `judged` by a person. `permissive` there says what this means.\n"]
    for package, item in sorted(table.items()):
        lines.append(f"[{quoted(package)}]")
        lines += [
            f"{key} = {quoted(value)}" for key, value in item.items() if value or key == "read" or key == "declared"
        ]
        lines.append("")
    TABLE.write_text("\n".join(lines), "utf-8")
    for package, item in table.items():
        if not permissive(package, table):
            print(
                f"out: {package}: read {item['read']!r}, declared {item['declared']!r} {item.get('unknown', '')[:100]}"
            )
    print(sum(permissive(name, table) for name in table), "of", len(table), "packages may be learned from")


if __name__ == "__main__":
    main()
