[
  (if_statement)
  (for_statement)
  (foreach_statement)
  (while_statement)
  (do_statement)
  (conditional_expression)
  (catch_clause)
] @nest @decision

(else_if_clause) @elseif @decision
(else_clause) @else
(else_clause body: (if_statement) @elseif)

[
  (switch_statement)
  (match_expression)
] @nest
(case_statement) @decision
(match_conditional_expression) @decision

(binary_expression operator: ["&&" "||" "and" "or" "xor"]) @logical

(goto_statement) @jump
(break_statement (integer)) @jump
(continue_statement (integer)) @jump

[
  (anonymous_function)
  (arrow_function)
] @deepen

(function_call_expression function: (name) @call.plain)
(member_call_expression
  object: (variable_name) @_this
  name: (name) @call.method
  (#eq? @_this "$this"))
(scoped_call_expression
  scope: (relative_scope) @_self
  name: (name) @call.method
  (#not-eq? @_self "parent"))
