"""Where bandit's tests can find nothing, so that they need not be called: what each demands before anything else.

A gate is a necessary condition, read off the test's own source. Tests of other packages, tests that are not named here,
and all tests of a bandit whose source these gates were not read from are called at every node of their kinds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bandit

# The releases whose tests the gates were compared with.
_FIRST, _LAST = (1, 8, 6), (1, 9, 4)

CallGate = Callable[[str], bool]
StringGate = Callable[[str, Any, ast.AST], bool]


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of one test; one that is None bars nothing.

    Attributes:
        call: whether a call of this qualified name may be a finding.
        words: texts of which each name that passes `call` holds one; None where that is not known.
        keyword: whether a call with a keyword of this name may be; a call needs to pass `call` or `keyword`.
        string: the same of a string, its node and its parent.
        imported: whether the import of this dotted name may be a finding.
        function: whether a function may be.
        text: whether a file of this text may be.
    """

    call: CallGate | None = None
    words: tuple[str, ...] | None = None
    keyword: CallGate | None = None
    string: StringGate | None = None
    imported: Callable[[str, str], bool] | None = None
    function: Callable[[ast.FunctionDef], bool] | None = None
    text: Callable[[str], bool] | None = None


NONE = Gates()


def gates_of(test: Any) -> Gates:
    """The gates of a loaded test; `NONE` where it must always be called."""
    build = _GATES.get(test._test_id) if is_known(test) else None
    return build(getattr(test, "_config", None)) if build else NONE


def is_known(test: Any) -> bool:
    """Whether a test is bandit's own, of a release whose source was read."""
    numbers = re.findall(r"\d+", bandit.__version__)[:3]
    own = getattr(test, "__module__", "").startswith(("bandit.plugins.", "bandit.core."))
    return own and _FIRST <= tuple(map(int, numbers)) <= _LAST


def _never(_: object) -> bool:
    return False


def _called(*, last: tuple[str, ...] = (), within: tuple[str, ...] = (), root: tuple[str, ...] = ()) -> Gates:
    """Calls whose name ends in one of `last`, begins with one of `root` (whole parts), or holds one of `within`."""

    def may_match(name: str) -> bool:
        parts = name.split(".")
        return parts[-1] in last or parts[0] in root or any(piece in name for piece in within)

    return Gates(call=may_match, words=(*last, *within, *root))


def _keywords(*names: str) -> Gates:
    return Gates(call=_never, words=(), keyword=lambda name: name in names)


def _configured(*keys: str, also: tuple[str, ...] = ()) -> Callable[[Any], Gates]:
    """Calls that the test's own configuration lists under one of `keys`."""

    def build(config: Any) -> Gates:
        if not isinstance(config, Mapping) or not all(isinstance(config.get(key, ()), list | tuple) for key in keys):
            return NONE
        listed = {name for key in keys for name in config.get(key, ()) if isinstance(name, str)} | set(also)
        return Gates(call=lambda name: name in listed, words=tuple(listed))

    return build


def _password(_: Any) -> Gates:
    from bandit.plugins.general_hardcoded_password import RE_CANDIDATES

    def may_match(text: str, node: Any, parent: ast.AST) -> bool:
        if isinstance(parent, ast.Assign | ast.Compare):
            return True
        return isinstance(parent, ast.Dict | ast.Subscript) and RE_CANDIDATES.search(text) is not None

    def suspicious(name: str) -> bool:
        return RE_CANDIDATES.search(name) is not None

    return Gates(
        call=_never, words=(), keyword=suspicious, string=may_match, function=lambda node: bool(node.args.defaults)
    )


def _temporary(config: Any) -> Gates:
    folders = config.get("tmp_dirs", ["/tmp", "/var/tmp", "/dev/shm"]) if isinstance(config, Mapping) else None  # noqa: S108 - what bandit looks for
    if not isinstance(folders, list | tuple) or not all(isinstance(folder, str) for folder in folders):
        return NONE
    beginnings = tuple(folders)
    return Gates(string=lambda text, _node, _parent: text.startswith(beginnings))


def _sql(_: Any) -> Gates:
    from bandit.plugins.injection_sql import SIMPLE_SQL_RE

    def may_match(text: str, node: Any, parent: ast.AST) -> bool:
        if isinstance(parent, ast.Attribute):
            return parent.attr in ("format", "replace") and SIMPLE_SQL_RE.search(text) is not None
        if isinstance(parent, ast.JoinedStr):
            return node is next(part for part in parent.values if isinstance(part, ast.Constant))
        return isinstance(parent, ast.BinOp)

    return Gates(string=may_match)


def _blacklist(config: Any) -> Gates:
    calls = {name for check in config.get("Call", ()) for name in check["qualnames"]}
    calls |= {"importlib.import_module", "importlib.__import__"}
    beginnings = {
        kind: tuple(name for check in config.get(kind, ()) for name in check["qualnames"])
        for kind in ("Import", "ImportFrom")
    }
    return Gates(
        call=lambda name: name in calls or name.endswith("__import__"),
        words=(*calls, "__import__"),
        imported=lambda kind, name: name.startswith(beginnings[kind]),
    )


def _trojan(_: Any) -> Gates:
    from bandit.plugins.trojansource import BIDI_CHARACTERS

    characters = re.compile(f"[{''.join(BIDI_CHARACTERS)}]")
    return Gates(text=lambda text: characters.search(text) is not None)


def _fixed(gates: Gates) -> Callable[[Any], Gates]:
    return lambda _config: gates


_SHELL = _configured("subprocess", "shell", "no_shell")

_GATES: dict[str, Callable[[Any], Gates]] = {
    "B001": _blacklist,
    "B102": _fixed(_called(last=("exec",))),
    "B103": _fixed(_called(within=("chmod",))),
    "B104": _fixed(Gates(string=lambda text, _node, _parent: text == "0.0.0.0")),  # noqa: S104 - what bandit looks for
    "B105": _password,
    "B106": _password,
    "B107": _password,
    "B108": _temporary,
    "B113": _fixed(_called(root=("requests", "httpx"))),
    "B201": _fixed(_called(last=("run",))),
    "B202": _fixed(_called(within=("extractall",))),
    "B324": _fixed(_called(within=("hashlib", "crypt"))),
    "B501": _fixed(_called(root=("requests", "httpx"))),
    "B502": _fixed(_keywords("method", "ssl_version")),
    "B503": _fixed(Gates(function=lambda node: bool(node.args.defaults))),
    "B504": _fixed(_called(last=("wrap_socket",))),
    "B505": _fixed(_called(last=("generate_private_key", "generate"))),
    "B506": _fixed(_called(last=("load",))),
    "B507": _fixed(_called(last=("set_missing_host_key_policy",))),
    "B508": _fixed(_called(last=("CommunityData",))),
    "B509": _fixed(_called(last=("UsmUserData",))),
    "B601": _fixed(_called(last=("exec_command",))),
    "B602": _SHELL,
    "B603": _SHELL,
    "B604": _fixed(_keywords("shell")),
    "B605": _SHELL,
    "B606": _SHELL,
    "B607": _SHELL,
    "B608": _sql,
    "B609": _SHELL,
    "B610": _fixed(_called(last=("extra",))),
    "B611": _fixed(_called(last=("RawSQL",))),
    "B612": _fixed(_called(last=("listen",))),
    "B613": _trojan,
    "B614": _fixed(_called(last=("load",))),
    "B615": _fixed(
        _called(last=("from_pretrained", "load_dataset", "hf_hub_download", "snapshot_download", "repository_id"))
    ),
    "B701": _fixed(_called(last=("Environment",))),
    "B702": _fixed(_called(last=("Template",))),
    "B703": _fixed(_called(last=("mark_safe", "SafeText", "SafeUnicode", "SafeString", "SafeBytes"))),
    "B704": _configured("extend_markup_names", also=("markupsafe.Markup", "flask.Markup")),
}
