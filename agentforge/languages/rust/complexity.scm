(if_expression) @nest @decision
(else_clause (if_expression) @elseif)
(else_clause) @else
(for_expression) @nest @decision
(while_expression) @nest @decision
(loop_expression) @nest @decision
(match_expression) @nest
((match_arm pattern: (_) @_pattern) @decision (#not-eq? @_pattern "_"))
(try_expression) @decision
(closure_expression) @deepen
(binary_expression operator: ["&&" "||"]) @logical
(break_expression (label)) @jump
(continue_expression (label)) @jump
(call_expression function: (identifier) @call.plain)
(call_expression function: (field_expression value: (self) field: (_) @call.method))
(call_expression function: (scoped_identifier path: (identifier) @_self name: (_) @call.method) (#eq? @_self "Self"))
