[
  (if_expression)
  (for_expression)
  (while_expression)
  (do_while_expression)
  (catch_clause)
] @nest

[
  (if_expression)
  (for_expression)
  (while_expression)
  (do_while_expression)
] @decision
; for (i <- items if i > 1)
(enumerator (guard)) @decision

(if_expression alternative: (_) @else)
(if_expression alternative: (if_expression) @elseif)

(match_expression) @nest
; Every case but one that takes whatever is left; those of a `catch` are its handlers.
(case_clause pattern: [
  (alternative_pattern) (typed_pattern) (case_class_pattern) (tuple_pattern) (infix_pattern) (capture_pattern)
  (stable_identifier) (interpolated_string_expression) (integer_literal) (string) (boolean_literal)
  (character_literal) (floating_point_literal) (null_literal) (stable_type_identifier)
  (given_pattern) (quote_expression)
]) @decision
(case_clause pattern: [(wildcard) (identifier)] (guard)) @decision
(case_clause pattern: (identifier) @_constant (#match? @_constant "^[A-Z`]")) @decision

(infix_expression operator: (operator_identifier) @_operator
  (#any-of? @_operator "&&" "||")) @logical

(lambda_expression) @deepen
(call_expression arguments: (case_block) @deepen)

; `this(...)` is another constructor
(call_expression function: (identifier) @call (#not-eq? @call "this"))
(call_expression function: (call_expression function: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (field_expression value: (identifier) @_this field: (identifier) @call)
  (#eq? @_this "this"))
