"""Where bandit's tests can find nothing, so that they need not be called: what each demands before anything else.

A gate is a necessary condition, read off the test's own source. Tests of other packages, tests that are not named here,
and all tests of a bandit whose source these gates were not read from are called at every node of their kinds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bandit

# The releases whose tests the gates were compared with.
_FIRST, _LAST = (1, 8, 6), (1, 9, 4)


@dataclass(frozen=True, slots=True)
class Names:
    """Qualified names of calls, in four ways: one of them is enough.

    Attributes:
        full: whole names.
        last, first: the last and the first part of a name.
        within: pieces of a name, wherever they stand.
    """

    full: frozenset[str] = frozenset()
    last: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Strings:
    """Strings, in two ways: one of them is enough.

    Attributes:
        begins: how they begin.
        under: kinds of the node around them -> whether one of this text below this node may be a finding, with its own
            node given as well.
    """

    begins: tuple[str, ...] = ()
    under: Mapping[type[ast.AST], Callable[[str, Any, Any], bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of one test; one that is None bars nothing.

    Attributes:
        call: the names of calls that may be a finding.
        keyword: whether a call with a keyword of this name may be; a call needs to pass `call` or `keyword`.
        string: the strings that may be.
        imported: whether the import of this dotted name may be a finding.
        node: whether a function, or a handler of exceptions, may be.
        text: whether a file of this text may be.
    """

    call: Names | None = None
    keyword: Callable[[str], bool] | None = None
    string: Strings | None = None
    imported: Callable[[str, str], bool] | None = None
    node: Callable[[Any], bool] | None = None
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


def _called(*, last: tuple[str, ...] = (), within: tuple[str, ...] = (), first: tuple[str, ...] = ()) -> Gates:
    return Gates(call=Names(last=last, within=within, first=first))


def _keywords(*names: str) -> Gates:
    return Gates(call=Names(), keyword=lambda name: name in names)


def _configured(*keys: str, also: tuple[str, ...] = ()) -> Callable[[Any], Gates]:
    """Calls that the test's own configuration lists under one of `keys`."""

    def build(config: Any) -> Gates:
        if not isinstance(config, Mapping) or not all(isinstance(config.get(key, ()), list | tuple) for key in keys):
            return NONE
        listed = {name for key in keys for name in config.get(key, ()) if isinstance(name, str)} | set(also)
        return Gates(call=Names(full=frozenset(listed)))

    return build


def _password(_: Any) -> Gates:
    from bandit.plugins.general_hardcoded_password import RE_CANDIDATES

    def suspicious(name: str) -> bool:
        return RE_CANDIDATES.search(name) is not None

    def named(node: ast.AST) -> bool:
        """Whether a variable or an attribute has a suspicious name."""
        return suspicious(node.id if isinstance(node, ast.Name) else getattr(node, "attr", ""))

    strings = Strings(
        under={
            ast.Assign: lambda _text, _node, parent: any(map(named, parent.targets)),
            ast.Compare: lambda _text, _node, parent: named(parent.left),
            ast.Dict: lambda text, _node, _parent: suspicious(text),
            ast.Subscript: lambda text, _node, _parent: suspicious(text),
        }
    )
    return Gates(call=Names(), keyword=suspicious, string=strings, node=_has_default(ast.Constant))


def _has_default(kind: type[ast.AST]) -> Callable[[ast.FunctionDef], bool]:
    return lambda function: any(isinstance(default, kind) for default in function.args.defaults)


def _handled_by(kind: type[ast.AST]) -> Gates:
    """Handlers of exceptions that are one statement of this kind."""
    return Gates(node=lambda handler: len(handler.body) == 1 and isinstance(handler.body[0], kind))


def _temporary(config: Any) -> Gates:
    folders = config.get("tmp_dirs", ["/tmp", "/var/tmp", "/dev/shm"]) if isinstance(config, Mapping) else None  # nosec B108  # noqa: S108 - what bandit looks for
    if not isinstance(folders, list | tuple) or not all(isinstance(folder, str) for folder in folders):
        return NONE
    return Gates(string=Strings(begins=tuple(folders)))


def _sql(_: Any) -> Gates:
    from bandit.plugins.injection_sql import SIMPLE_SQL_RE

    def formatted(text: str, _: Any, parent: Any) -> bool:
        return parent.attr in ("format", "replace") and SIMPLE_SQL_RE.search(text) is not None

    def is_first(_: str, node: Any, parent: Any) -> bool:
        return node is next(part for part in parent.values if isinstance(part, ast.Constant))

    under = {ast.Attribute: formatted, ast.JoinedStr: is_first, ast.BinOp: lambda _text, _node, _parent: True}
    return Gates(string=Strings(under=under))


def _blacklist(config: Any) -> Gates:
    calls = {name for check in config.get("Call", ()) for name in check["qualnames"]}
    calls |= {"importlib.import_module", "importlib.__import__"}
    beginnings = {
        kind: tuple(name for check in config.get(kind, ()) for name in check["qualnames"])
        for kind in ("Import", "ImportFrom")
    }
    return Gates(
        call=Names(full=frozenset(calls), within=("__import__",)),
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
    "B104": _fixed(Gates(string=Strings(begins=("0.0.0.0",)))),  # nosec B104  # noqa: S104 - what bandit looks for
    "B105": _password,
    "B106": _password,
    "B107": _password,
    "B108": _temporary,
    "B110": _fixed(_handled_by(ast.Pass)),
    "B112": _fixed(_handled_by(ast.Continue)),
    "B113": _fixed(_called(first=("requests", "httpx"))),
    "B201": _fixed(_called(last=("run",))),
    "B202": _fixed(_called(within=("extractall",))),
    "B324": _fixed(_called(within=("hashlib", "crypt"))),
    "B501": _fixed(_called(first=("requests", "httpx"))),
    "B502": _fixed(_keywords("method", "ssl_version")),
    "B503": _fixed(Gates(node=_has_default(ast.Attribute))),
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
