(if_statement) @nest @decision
(else_clause (if_statement) @elseif)
(else_clause) @else
(for_statement) @nest @decision
(for_in_statement) @nest @decision
(while_statement) @nest @decision
(do_statement) @nest @decision
(catch_clause) @nest @decision
(ternary_expression) @nest @decision
(switch_statement) @nest
(switch_case) @decision
(arrow_function) @deepen
(function_expression) @deepen
(generator_function) @deepen
(binary_expression operator: ["&&" "||"]) @logical
(binary_expression operator: "??" @decision)
(augmented_assignment_expression operator: ["||=" "&&=" "??="] @decision)
; A default is taken or not, of a parameter and where a value is taken apart.
(assignment_pattern) @decision
(object_assignment_pattern) @decision
(break_statement label: (_)) @jump
(continue_statement label: (_)) @jump
(call_expression function: (identifier) @call.plain)
(call_expression function: (member_expression object: (this) property: (_) @call.method))
