[
  (if_statement)
  (guard_statement)
  (for_statement)
  (while_statement)
  (repeat_while_statement)
  (ternary_expression)
  (catch_block)
] @nest @decision

(if_statement (else) @else . (statements))
(if_statement (else) . (if_statement) @elseif)

(switch_statement) @nest
(switch_entry (switch_pattern)) @decision

[
  (conjunction_expression)
  (disjunction_expression)
] @logical

(control_transfer_statement ["break" "continue"] result: (_)) @jump

(lambda_literal) @deepen

(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression
  target: (self_expression)
  suffix: (navigation_suffix suffix: (simple_identifier) @call))
  (#not-eq? @call "init"))
