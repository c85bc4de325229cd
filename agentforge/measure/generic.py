"""The figures of a file in any language, from its tree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from agentforge.measure.chunks import chunks
from agentforge.measure.complexity import Complexity, measure_functions
from agentforge.measure.description import BEFORE, description
from agentforge.measure.functions import Definition, locate, signature
from agentforge.measure.halstead import Tokens, maintainability_index
from agentforge.measure.lines import blank_out, code_line_index, count
from agentforge.measure.survey import survey
from agentforge.model import FileMetrics, Function, Halstead, LineCounts
from agentforge.parse import Decoded, ParsedFile


@dataclass(frozen=True, slots=True)
class Figures:
    """What a language's own parser counts, in place of what is counted here.

    Attributes:
        functions: line where it begins -> cyclomatic complexity and Halstead's measures of each function.
        lines: of the file, None where they are not known.
    """

    functions: Mapping[int, tuple[int, Halstead]]
    lines: LineCounts | None


def measure(
    parsed: ParsedFile | None, decoded: Decoded, *, text: bool = True, figures: Figures | None = None
) -> FileMetrics:
    """Measure a file.

    Args:
        parsed: its tree, or None for text in no language that we parse: then only its lines are counted.
        decoded: its text.
        text: whether to keep the code of functions, and what lies outside them, for who stores or embeds it.
        figures: of another parser. Where it knows all functions, Halstead's measures of the file are 0, and so is its
            maintainability index.
    """
    if parsed is None:
        return FileMetrics(lines=count(decoded.data, decoded.data))
    found = survey(parsed, strings=figures is None)
    code = blank_out(parsed.data, found.comments)
    definitions = locate(parsed, code, found.definitions)
    functions = [definition for definition in definitions if definition.is_function]
    known = figures.functions if figures else {}
    tokens = None
    if figures is None or any(function.line not in known for function in functions):
        strings = (found if figures is None else survey(parsed, strings=True)).strings
        tokens = Tokens(parsed.language.name, blank_out(code, strings), strings, parsed.data)
    index = code_line_index(code)
    rows = tuple(
        _function(parsed, definition, complexity, code, index, known.get(definition.line) or tokens, text=text)
        for definition, complexity in zip(functions, measure_functions(parsed, functions, found), strict=True)
    )
    lines = (figures.lines if figures else None) or count(parsed.data, code)
    total = tokens.measure(0, len(parsed.data)) if tokens else Halstead()
    return FileMetrics(
        lines=lines,
        functions=rows,
        chunks=chunks(parsed.data, code, definitions) if text else (),
        classes=sum(definition.is_class for definition in definitions),
        maintainability_index=_file_index(total.volume, rows, lines) if tokens else 0.0,
        halstead=total,
        parse_error="syntax error" if parsed.tree.root_node.has_error else None,
        error_share=parsed.error_share,
    )


def _function(
    parsed: ParsedFile,
    definition: Definition,
    complexity: Complexity,
    code: bytes,
    index: list[int],
    measures: tuple[int, Halstead] | Tokens | None,
    *,
    text: bool,
) -> Function:
    start, end = definition.start_byte, definition.end_byte
    first = definition.line
    last = first + parsed.data.count(b"\n", start, end)
    lines_of_code = index[last] - index[first - 1]
    cyclomatic, halstead = complexity.cyclomatic, Halstead()
    if isinstance(measures, Tokens):
        halstead = measures.measure(start, end)
    elif measures:
        cyclomatic, halstead = measures
    source = parsed.data[start:end].decode("utf-8", "replace") if text else ""
    before = parsed.data[max(0, start - BEFORE) : start].decode("utf-8", "replace") if text else ""
    return Function(
        name=definition.name,
        qualified_name=definition.qualified_name,
        signature=signature(definition, code),
        start_line=first,
        end_line=last,
        start_byte=start,
        end_byte=end,
        lines_of_code=lines_of_code,
        parameters=definition.parameters,
        cyclomatic=cyclomatic,
        cognitive=complexity.cognitive,
        nesting=complexity.nesting,
        halstead=halstead,
        maintainability_index=maintainability_index(halstead.volume, cyclomatic, lines_of_code, 0.0),
        code=source,
        code_hash=code_hash(code[start:end]),
        description=description(parsed.language.name, source, before) if text else "",
    )


def code_hash(code: bytes) -> str:
    """The first 16 bytes of the SHA-256 of code whose comments are blanked out, with its white space collapsed, in hex.

    To tell code apart as many are enough, and the database holds several for each function.
    """
    return hashlib.sha256(b" ".join(code.split())).hexdigest()[:32]


def _file_index(volume: float, functions: tuple[Function, ...], lines: LineCounts) -> float:
    """The file's maintainability index from the mean complexity of its functions, as radon has it for modules."""
    complexity = sum(function.cyclomatic for function in functions) / len(functions) if functions else 0.0
    share = lines.comment / (lines.comment + lines.code) if lines.code else 0.0
    return maintainability_index(volume, complexity, lines.code, share)
