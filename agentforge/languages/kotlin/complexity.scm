[
  (if_expression)
  (for_statement)
  (while_statement)
  (do_while_statement)
  (catch_block)
] @nest @decision

; What follows `else`; a chained `if` is the expression itself.
(if_expression "else" . (_) @else)
(if_expression "else" . (if_expression) @elseif)

(when_expression) @nest
(when_entry condition: (_)) @decision

(binary_expression operator: ["&&" "||"]) @logical
; The elvis operator decides without a boolean.
(binary_expression operator: "?:") @decision

(labeled_expression (label) @_label
  (#any-of? @_label "break@" "continue@")) @jump

[
  (lambda_literal)
  (anonymous_function)
] @deepen

(call_expression . (identifier) @call)
(call_expression . (navigation_expression (this_expression) (identifier) @call))
