(if_expression) @nest @decision
(else_clause (if_expression) @elseif)
(else_clause) @else
(for_expression) @nest @decision
(while_expression) @nest @decision
; `loop` decides nothing: what leaves it does.
(loop_expression) @nest
(match_expression) @nest
; A match is exhaustive: of n arms one is what is left when n - 1 did not fit.
(match_block (match_arm) . [(line_comment) (block_comment)]* . (match_arm) @decision)
(match_pattern "if" @decision)
(let_declaration "else" @decision)
(try_expression) @decision
(closure_expression) @deepen
(binary_expression operator: ["&&" "||"]) @logical
; The arguments of a macro are tokens to the parser, and code to who reads them: assert!(a && b).
(token_tree ["&&" "||" "if" "for" "while" "?"] @decision)
(break_expression (label)) @jump
(continue_expression (label)) @jump
(call_expression function: (identifier) @call.plain)
(call_expression function: (field_expression value: (self) field: (_) @call.method))
(call_expression function: (scoped_identifier path: (identifier) @_self name: (_) @call.method) (#eq? @_self "Self"))
