"""The figures of a file in any language, from its tree."""

from __future__ import annotations

import hashlib

from agentforge.measure.chunks import chunks
from agentforge.measure.complexity import Complexity, measure_functions
from agentforge.measure.functions import Definition, locate, signature
from agentforge.measure.halstead import Tokens, maintainability_index
from agentforge.measure.lines import blank_out, code_line_index, count
from agentforge.measure.survey import survey
from agentforge.model import FileMetrics, Function, Halstead, LineCounts
from agentforge.parse import Decoded, ParsedFile


def measure(parsed: ParsedFile | None, decoded: Decoded, *, halstead: bool = True, text: bool = True) -> FileMetrics:
    """Measure a file.

    Args:
        parsed: its tree, or None for text in no language that we parse: then only its lines are counted.
        decoded: its text.
        halstead: whether to count Halstead's measures; without them they are 0, and so are the maintainability indices.
        text: whether to keep the code of functions, and what lies outside them, for who stores or embeds it.
    """
    if parsed is None:
        return FileMetrics(lines=count(decoded.data, decoded.data))
    found = survey(parsed, strings=halstead)
    code = blank_out(parsed.data, found.comments)
    lines = count(parsed.data, code)
    strings = found.strings
    tokens = Tokens(parsed.language.name, blank_out(code, strings), strings, parsed.data) if halstead else None
    index = code_line_index(code)
    definitions = locate(parsed, code, found.definitions)
    complexities = measure_functions(parsed, definitions, found.marks)
    functions = [definition for definition in definitions if definition.is_function]
    rows = tuple(
        _function(parsed, definition, complexity, code, tokens, index, text=text)
        for definition, complexity in zip(functions, complexities, strict=True)
    )
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
    tokens: Tokens | None,
    index: list[int],
    *,
    text: bool,
) -> Function:
    start, end = definition.start_byte, definition.end_byte
    first = definition.node.start_point.row
    last = first + parsed.data.count(b"\n", start, end)
    lines_of_code = index[last + 1] - index[first]
    halstead = tokens.measure(start, end) if tokens else Halstead()
    return Function(
        name=definition.name,
        qualified_name=definition.qualified_name,
        signature=signature(definition, code),
        start_line=first + 1,
        end_line=last + 1,
        start_byte=start,
        end_byte=end,
        lines_of_code=lines_of_code,
        parameters=definition.parameters,
        cyclomatic=complexity.cyclomatic,
        cognitive=complexity.cognitive,
        nesting=complexity.nesting,
        halstead=halstead,
        maintainability_index=(
            maintainability_index(halstead.volume, complexity.cyclomatic, lines_of_code, 0.0) if tokens else 0.0
        ),
        code=parsed.data[start:end].decode("utf-8", "replace") if text else "",
        code_hash=code_hash(code[start:end]),
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
