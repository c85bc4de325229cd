(if_statement) @nest @decision
(if_statement alternative: (if_statement) @elseif)
(if_statement alternative: (_) @else)
(for_statement) @nest @decision
(enhanced_for_statement) @nest @decision
(while_statement) @nest @decision
(do_statement) @nest @decision
(catch_clause) @nest @decision
(ternary_expression) @nest @decision
(switch_expression) @nest
((switch_label) @decision (#not-match? @decision "^default"))
(lambda_expression) @deepen
(binary_expression operator: ["&&" "||"]) @logical
(break_statement (identifier)) @jump
(continue_statement (identifier)) @jump
(method_invocation !object name: (_) @call)
(method_invocation object: (this) name: (_) @call)
