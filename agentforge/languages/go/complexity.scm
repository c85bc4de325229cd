(if_statement) @nest @decision
(if_statement alternative: (if_statement) @elseif)
(if_statement alternative: (_) @else)
(for_statement) @nest @decision
(expression_switch_statement) @nest
(type_switch_statement) @nest
(select_statement) @nest
(expression_case) @decision
(type_case) @decision
(communication_case) @decision
(func_literal) @deepen
(binary_expression operator: ["&&" "||"]) @logical
(goto_statement) @jump
(break_statement (label_name)) @jump
(continue_statement (label_name)) @jump
(call_expression function: (identifier) @call.plain)
